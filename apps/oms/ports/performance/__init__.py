"""Reads of money and results, and the stored history of equity."""
