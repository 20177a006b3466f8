"""The worker process: leases accounts, executes their queued commands in order, housekeeping."""
