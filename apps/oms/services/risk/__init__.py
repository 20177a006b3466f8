"""Verdicts on requests, and losses of accounts: as the worker finds them, kept and reported."""
