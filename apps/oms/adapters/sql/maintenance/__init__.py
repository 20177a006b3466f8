"""Schema migration, backup and retention."""
