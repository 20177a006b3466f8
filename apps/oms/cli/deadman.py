"""``oms deadman``: arm, beat, disarm and list dead-man switches."""

import argparse
from typing import Any

from oms.cli import network


def arm(parsed: argparse.Namespace) -> Any:
    """Arm a switch; its deadline is moved by beats."""
    body = {
        "account_ids": parsed.account_ids,
        "strategy_ids": parsed.strategy_ids,
        "timeout_seconds": parsed.timeout_seconds,
        "action": parsed.action,
        "comment": parsed.comment,
    }
    return network.request(parsed, "POST", "/risk/deadman", {}, body)


def list_switches(parsed: argparse.Namespace) -> Any:
    """Return the armed and fired switches."""
    return network.request(parsed, "GET", "/risk/deadman", {})


def beat(parsed: argparse.Namespace) -> Any:
    """Move the deadline of a switch."""
    return network.request(parsed, "POST", f"/risk/deadman/{parsed.id}/beat", {})


def disarm(parsed: argparse.Namespace) -> Any:
    """Disarm a switch."""
    return network.request(parsed, "DELETE", f"/risk/deadman/{parsed.id}", {})
