"""Everything that needs Keras: models, augmentation, training, prediction, export. Knows nothing of runs."""
