"""The venue itself: accounts, markets, records and what changes them; no sockets."""
