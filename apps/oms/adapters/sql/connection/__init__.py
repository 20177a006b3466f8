"""Engines, connections, sessions, statement batches and the differences between databases."""
