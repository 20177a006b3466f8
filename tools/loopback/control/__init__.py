"""The control port: its operations and their parameters."""
