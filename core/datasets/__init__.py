"""Data sets: what is known, how it is brought to hand, how it is stored and split. Never Keras."""
