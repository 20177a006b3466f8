"""Verdicts on requests, as the worker gives them."""
