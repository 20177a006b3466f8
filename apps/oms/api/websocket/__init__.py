"""The WebSocket server of ``/ws``."""
