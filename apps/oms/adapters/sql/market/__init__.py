"""Instruments and their candles."""
