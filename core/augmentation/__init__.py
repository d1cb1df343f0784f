"""Augmentation apart from training: its code, its strength, a batch as JSON, and how robust a network is."""
