"""The runner process: background tasks that neither serve requests nor write the ledger."""
