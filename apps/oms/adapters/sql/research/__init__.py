"""Backtests and their results; versions of strategies and their catalogue."""
