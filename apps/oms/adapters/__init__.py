"""Implementations of the ports: databases, exchanges, sealing, notifications."""
