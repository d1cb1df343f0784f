"""The process that searches: it decides which runs come next for sweeps, and for studies that add seeds."""
