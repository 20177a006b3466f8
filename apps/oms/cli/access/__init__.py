"""Restrictions of keys, and browser sessions."""
