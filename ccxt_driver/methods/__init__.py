"""ccxt's methods, grouped by what they do, and how each class runs them."""
