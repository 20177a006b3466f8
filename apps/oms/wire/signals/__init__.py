"""Bodies and rows of signals and their sources."""
