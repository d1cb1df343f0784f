"""The helper process for what a page needs from Keras now, and the client that asks it."""
