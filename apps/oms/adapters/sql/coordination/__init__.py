"""State shared by worker processes: leases, fencing, id blocks, request budgets."""
