"""``oms sessions``: list and end the browser sessions of users."""

import argparse
from typing import Any

from oms.cli import network


def list_sessions(parsed: argparse.Namespace) -> Any:
    """Return the active sessions of a user, or of all."""
    query = {} if parsed.user_id is None else {"user_id": parsed.user_id}
    return network.request(parsed, "GET", "/admin/sessions", query)


def revoke(parsed: argparse.Namespace) -> Any:
    """End a session."""
    return network.request(parsed, "DELETE", f"/admin/sessions/{parsed.session_id}", {})
