"""Checks of signals for ``oms verify``."""
