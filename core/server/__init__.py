"""The dashboard as a process: shared services, what lives as long as it does, and whose requests it answers."""
