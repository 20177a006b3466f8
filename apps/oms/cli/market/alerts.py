"""``oms alert``: price alerts of an account."""

import argparse
from typing import Any

from oms.cli import network


def add(parsed: argparse.Namespace) -> Any:
    """Create an alert."""
    fields = ("account_id", "symbol", "condition", "price", "note")
    return network.request(parsed, "POST", "/alerts", {}, {f: getattr(parsed, f) for f in fields})


def show(parsed: argparse.Namespace) -> Any:
    """Return the alerts that have not fired."""
    return network.request(parsed, "GET", "/alerts", {"account_id": parsed.account_id})


def remove(parsed: argparse.Namespace) -> Any:
    """Delete an alert."""
    query = {"account_id": parsed.account_id}
    return network.request(parsed, "DELETE", f"/alerts/{parsed.id}", query)
