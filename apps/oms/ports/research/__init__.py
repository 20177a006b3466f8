"""Stored backtests; strategies as processes and as stored versions."""
