"""Notifications: where messages of events go, and when they are sent again."""
