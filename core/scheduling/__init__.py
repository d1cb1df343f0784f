"""The queue: which run gets which device when, and the processes that train."""
