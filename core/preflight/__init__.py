"""A dry run: some real steps on the device that would train, and what they say of time and memory."""
