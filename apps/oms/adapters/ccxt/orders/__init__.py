"""Order requests: journal, queues, sending, replacement, recovery."""
