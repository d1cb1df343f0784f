"""Data sets: which are known, how they are downloaded, imported, stored and split. Never Keras."""
