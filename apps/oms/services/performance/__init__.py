"""Valuation of accounts, snapshots of their equity, and statistics of their results."""
