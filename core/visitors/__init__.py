"""The people of a class: who does something, what visitors are called, what they may do."""
