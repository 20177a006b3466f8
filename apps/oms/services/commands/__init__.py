"""Execution of commands by the account's worker."""
