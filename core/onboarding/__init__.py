"""What a new person meets first: the finished run that comes with ConvDeck, and the lessons."""
