"""Public prices: tickers and live price feeds."""
