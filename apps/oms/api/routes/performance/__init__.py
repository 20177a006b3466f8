"""Routes of figures: portfolio, statistics, equity."""
