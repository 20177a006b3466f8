"""Notifications on the wire: requests, rows, messages."""
