"""Bundles: a run as one zip, for another computer; and runs that come back from one."""
