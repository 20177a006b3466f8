"""Routes, one file a capability. Each reads a request, asks a service, writes an answer."""
