"""Versions of strategies and their catalogue."""
