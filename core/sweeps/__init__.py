"""Searches over settings: what is searched, what it costs, its trials and the result."""
