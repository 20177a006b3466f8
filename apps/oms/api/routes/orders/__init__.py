"""HTTP routes of single orders."""
