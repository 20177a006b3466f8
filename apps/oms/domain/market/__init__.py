"""Market data: candles and their timeframes."""
