"""Notifications: administration of sinks, messages of events, sending."""
