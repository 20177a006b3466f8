"""Latency and fault injection between the exchange and its client."""
