"""One training run in a process of its own: joins the store with training."""
