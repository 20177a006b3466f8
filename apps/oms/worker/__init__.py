"""Who works: leases accounts, drains their queues in order, and does the chores."""
