"""Bots: their administration, and their runs on closed candles."""
