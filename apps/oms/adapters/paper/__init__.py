"""The paper exchange behind the exchange port: simulation, prices, storage and ccxt's methods."""
