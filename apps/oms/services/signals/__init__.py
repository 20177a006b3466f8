"""Execution of signals by the owner of their account."""
