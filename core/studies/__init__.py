"""Several runs that answer one question: what to train, and what came of it."""
