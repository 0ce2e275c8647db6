"""A look at what a run sampled: in the terminal and as an HTML page."""
