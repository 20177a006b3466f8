"""Authentication, passwords, keys, permissions, and the administration of users."""
