"""Checking the books against their invariants; nothing is changed."""
