"""Metrics of this process and of reconciliation, as JSON and as Prometheus text."""
