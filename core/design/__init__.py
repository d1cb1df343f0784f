"""What a person designs: networks described without Keras, presets, hints, and drafts that are not started yet."""
