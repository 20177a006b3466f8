"""The loopback exchange: an exchange emulator on 127.0.0.1 for unmodified ccxt."""
