"""The door out for listeners: ``/ws``, from the handshake to the last frame."""
