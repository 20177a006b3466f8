"""Real exchanges through ccxt, which is imported inside functions here and nowhere else."""
