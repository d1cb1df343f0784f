"""A run's best model as a file that others open: its formats, what each says of itself, and a check of its answers."""
