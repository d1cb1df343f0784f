"""The store: everything that is known about runs, studies and notes, in one SQLite file. SQL is written here alone."""
