"""Strategies as JSON: parameters, and the messages of their process."""
