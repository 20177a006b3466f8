"""Share links: requests, rows, and the figures that they show."""
