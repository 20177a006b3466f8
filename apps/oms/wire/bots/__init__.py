"""Bots as JSON: requests, rows, stored terms."""
