"""Several runs that answer one question: what to train, and the result."""
