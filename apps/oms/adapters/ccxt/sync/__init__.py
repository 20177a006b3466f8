"""Reading an account: lookups, lists, polling, snapshots, reports."""
