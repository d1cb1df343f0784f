"""The dashboard as a process: what its pages share, what lives as long as it does, whom it answers."""
