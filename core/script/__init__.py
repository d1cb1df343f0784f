"""A run as one Python file that trains its network again, with Keras alone. Text only: nothing here loads Keras."""
