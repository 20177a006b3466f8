"""Read-only queries: history pages, reconciliation, verification, metrics."""
