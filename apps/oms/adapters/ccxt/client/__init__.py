"""One ccxt client of one exchange account: construction, host guard, sessions, error mapping."""
