"""What other tools have recorded of their trainings: read from their files, and brought into the store as runs."""
