"""Figures of accounts and strategies: value, equity, and the results of closed positions."""
