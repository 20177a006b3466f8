"""Commands of research: backtests."""
