"""Protocol logic without I/O: request flows and the caches that events fill."""
