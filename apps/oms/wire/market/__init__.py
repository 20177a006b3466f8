"""Market data as text."""
