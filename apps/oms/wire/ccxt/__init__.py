"""Calls of ccxt methods: names, arguments, request forms."""
