"""Private websocket streams of one account."""
