"""Exchange state between two steps, the working state of one step, and their stored JSON."""
