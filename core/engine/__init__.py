"""The helper process that answers pages with Keras, and its client."""
