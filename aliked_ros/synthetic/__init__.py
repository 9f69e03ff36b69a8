"""A rendered room with exact poses and depth: demo, tests, training."""
