"""Judges that say which of two responses is better, or what a response fulfils: behind an endpoint, or a function."""
