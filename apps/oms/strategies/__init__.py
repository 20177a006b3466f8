"""Trading strategies: indicators and rules from closed candles to decisions; pure."""
