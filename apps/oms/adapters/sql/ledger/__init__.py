"""The ledger transaction and what is loaded when an account is leased."""
