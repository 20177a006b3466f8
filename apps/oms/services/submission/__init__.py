"""Admission of commands: access, ids, idempotency, queue limits, group commit, results."""
