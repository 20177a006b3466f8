"""The ledger: pure functions from execution reports to deals and positions."""
