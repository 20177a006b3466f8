"""Routes that stream whole lists as files."""
