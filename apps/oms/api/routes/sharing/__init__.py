"""Routes of share links."""
