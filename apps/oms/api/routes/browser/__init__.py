"""Routes of browser sessions: login, the caller, lists of sessions, preferences."""
