"""A finished run that comes with ConvDeck, so that a new workspace has something to look at."""
