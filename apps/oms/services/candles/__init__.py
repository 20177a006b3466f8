"""Candles: stored, searched for gaps, resampled."""
