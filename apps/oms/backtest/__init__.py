"""The backtester: a strategy on closed candles, executed by the paper exchange's engine; pure."""
