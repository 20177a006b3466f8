"""Interfaces of the runner: leases of its tasks, notifications, the mirror of the audit log."""
