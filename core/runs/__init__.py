"""Runs: their states, the store, the scheduler with its workers and devices, and their curves. Never Keras."""
