"""Ports of the administration: accounts, users, strategies, credentials."""
