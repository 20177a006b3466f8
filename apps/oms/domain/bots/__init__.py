"""Bots: strategies that run on closed candles and send signals for one account."""
