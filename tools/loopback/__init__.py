"""The loopback exchange: a venue of its own on 127.0.0.1 that unmodified ccxt trades against."""
