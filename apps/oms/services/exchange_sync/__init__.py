"""Reports that an exchange sends outside of a command's own execution."""
