"""ASGI middleware: limits and headers, CORS, idempotency keys."""
