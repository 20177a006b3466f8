"""Parsers of the commands: flags, help and an example of each."""
