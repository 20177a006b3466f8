"""Rebuilding the books of an account from facts; nothing is changed."""
