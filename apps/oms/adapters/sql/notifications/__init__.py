"""Sinks and deliveries of notifications."""
