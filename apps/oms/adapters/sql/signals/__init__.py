"""Rows of signals and their sources."""
