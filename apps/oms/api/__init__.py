"""The door for clients: HTTP and WebSocket. It translates and waits; services decide."""
