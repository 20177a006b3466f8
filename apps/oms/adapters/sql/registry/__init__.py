"""Users, keys, permissions, accounts, strategies, credentials, kill switches and the audit log."""
