"""``oms market overrides`` and its changes: days on which a market has other hours."""

import argparse
from typing import Any

from oms.cli import network

ROUTE = "/admin/session-overrides"


def show(parsed: argparse.Namespace) -> Any:
    """Return the overridden days."""
    return network.request(parsed, "GET", ROUTE, {})


def change(parsed: argparse.Namespace) -> Any:
    """Close a market for a day, or set its hours."""
    fields = ("date", "session", "open", "close", "comment")
    sent = {name: getattr(parsed, name) for name in fields}
    body = {name: text for name, text in sent.items() if text is not None}
    flags = {"closed": parsed.closed, "replace": parsed.replace}
    return network.request(parsed, "POST", ROUTE, {}, body | flags)


def remove(parsed: argparse.Namespace) -> Any:
    """Delete an override."""
    return network.request(parsed, "DELETE", f"{ROUTE}/{parsed.id}", {})
