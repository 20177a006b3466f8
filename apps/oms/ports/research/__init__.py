"""Strategies as processes and as stored versions."""
