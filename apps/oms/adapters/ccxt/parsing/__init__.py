"""ccxt rows parsed into values of this adapter."""
