"""The computer beneath: files, processes, pipes, devices. Knows nothing of runs or data sets."""
