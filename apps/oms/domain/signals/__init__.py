"""Signals: alerts of outside programs that become orders."""
