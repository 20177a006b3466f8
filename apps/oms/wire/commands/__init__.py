"""Command requests: bodies, their schemas, and the codec of stored commands."""
