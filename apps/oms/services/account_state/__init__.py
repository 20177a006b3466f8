"""The in-memory state of a leased account, its unit of work, and the commit of many."""
