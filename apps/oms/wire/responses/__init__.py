"""Rows, events and views that the gateway returns."""
