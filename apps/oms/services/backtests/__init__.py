"""Backtests: runs and what identifies them."""
