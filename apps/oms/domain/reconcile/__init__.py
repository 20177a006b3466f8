"""Reconciliation: comparison of ledger and exchange, discrepancies, schedule."""
