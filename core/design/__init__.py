"""Designs: networks described without Keras, presets, hints, and drafts that are not started yet."""
