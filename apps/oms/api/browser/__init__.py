"""Requests of browsers: the own origin, the session cookie, protection against foreign pages."""
