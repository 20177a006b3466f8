"""Old closed rows: moved into checked files, read from there, and put back."""
