"""Bots and their history in the database."""
