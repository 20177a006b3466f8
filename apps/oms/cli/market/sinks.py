"""``oms sink``: receivers of notifications."""

import argparse
from typing import Any

from oms.cli import network
from oms.cli.output import CommandFailed
from oms.cli.settings import prompt_secret, read_secret


def add(parsed: argparse.Namespace) -> Any:
    """Create a sink."""
    url = read_secret(parsed, "url", warns=True) or prompt_secret("URL")
    if not url:
        raise CommandFailed("--url is needed, from a flag, a file, stdin or a prompt", status=2)
    body = {
        "name": parsed.name,
        "kind": parsed.kind,
        "url": url,
        "secret": read_secret(parsed, "secret", warns=True),
        "events": parsed.events,
        "account_ids": parsed.account_ids,
        "min_interval_seconds": parsed.min_interval_seconds,
    }
    return network.request(parsed, "POST", "/notifications/sinks", {}, body)


def show(parsed: argparse.Namespace) -> Any:
    """Return the sinks."""
    return network.request(parsed, "GET", "/notifications/sinks", {})


def enable(parsed: argparse.Namespace) -> Any:
    """Send messages of events from now on."""
    return _set_status(parsed, "active")


def disable(parsed: argparse.Namespace) -> Any:
    """Send no messages any more."""
    return _set_status(parsed, "disabled")


def test(parsed: argparse.Namespace) -> Any:
    """Queue a test message."""
    return network.request(parsed, "POST", f"/notifications/sinks/{parsed.id}/test", {}, {})


def deliveries(parsed: argparse.Namespace) -> Any:
    """Return messages and what became of them."""
    query = {"sink_id": parsed.id, "status": parsed.status, "limit": parsed.limit}
    sent = {name: value for name, value in query.items() if value is not None}
    return network.request(parsed, "GET", "/notifications/deliveries", sent)


def redeliver(parsed: argparse.Namespace) -> Any:
    """Queue a message again."""
    path = f"/notifications/deliveries/{parsed.delivery_id}/redeliver"
    return network.request(parsed, "POST", path, {}, {})


def _set_status(parsed: argparse.Namespace, status: str) -> Any:
    path = f"/notifications/sinks/{parsed.id}"
    return network.request(parsed, "PATCH", path, {}, {"status": status})
