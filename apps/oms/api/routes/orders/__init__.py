"""HTTP routes of single orders, and of groups of accounts."""
