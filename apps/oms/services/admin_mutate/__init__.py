"""``admin_mutate``: corrections of single rows by an admin."""
