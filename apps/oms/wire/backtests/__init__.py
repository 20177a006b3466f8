"""Backtests as JSON and HTML."""
