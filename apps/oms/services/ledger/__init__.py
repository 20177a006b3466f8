"""Execution reports applied to an account: orders, deals, positions and events."""
