"""Market data and matching: books, queue positions, candles, the random walk, instruments."""
