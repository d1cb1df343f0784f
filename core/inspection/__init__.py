"""How good a run's answers really are, which pictures it gets wrong, and how far its probabilities can be believed."""
