"""Exchange credentials: sealed, opened for the worker, re-sealed under a new key."""
