"""The command queue and stored idempotent responses."""
