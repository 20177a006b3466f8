"""The HTTP and WebSocket API: decoding, waiting and encoding around the services."""
