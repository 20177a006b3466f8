"""HTTP connections and the WebSocket to the gateway."""
