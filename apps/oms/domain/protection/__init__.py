"""Stop levels of positions: what they are, how they move, and when they close a position."""
