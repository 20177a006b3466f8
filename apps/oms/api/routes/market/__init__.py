"""Routes of stored market data."""
