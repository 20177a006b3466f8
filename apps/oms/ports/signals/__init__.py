"""Stores of signals and their sources."""
