"""Reads of money and results, and the rows of equity snapshots."""
