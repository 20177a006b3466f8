"""Commands: payload types of what callers request, and the rows they refer to."""
