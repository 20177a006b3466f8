"""HTTP, TLS and WebSocket serving, request filtering and fault injection."""
