"""Data sets: which are known, how they are downloaded, stored and split. Never Keras."""
