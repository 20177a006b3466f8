"""Commands: payload types of what callers request, and what they refer to."""
