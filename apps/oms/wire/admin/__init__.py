"""Bodies and rows of the administration API."""
