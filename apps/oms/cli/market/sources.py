"""``oms source``: sources of signals."""

import argparse
import json
from typing import Any

from oms.cli import network
from oms.cli.output import CommandFailed
from oms.cli.settings import read_secret

_FIELDS = (
    *("name", "kind", "account_id", "account_group_id", "strategy_id", "api_key_ids"),
    *("tp_pct", "sl_pct", "pyramiding_max"),
)


def add(parsed: argparse.Namespace) -> Any:
    """Create a source."""
    body: dict[str, object] = {name: getattr(parsed, name) for name in _FIELDS}
    body = {name: value for name, value in body.items() if value is not None}
    if parsed.sizing is not None:
        kind, value = parsed.sizing
        body["sizing"] = {"kind": kind, "value": value}
    body |= {name: True for name in ("generate_secret", "reverse") if getattr(parsed, name)}
    return network.request(parsed, "POST", "/signals/sources", {}, body)


def show(parsed: argparse.Namespace) -> Any:
    """Return the sources."""
    return network.request(parsed, "GET", "/signals/sources", {})


def rotate(parsed: argparse.Namespace) -> Any:
    """Make a new path token and secret."""
    body = {"keep_seconds": parsed.keep_seconds}
    return network.request(parsed, "POST", f"/signals/sources/{parsed.id}/rotate", {}, body)


def enable(parsed: argparse.Namespace) -> Any:
    """Accept signals."""
    return _set_status(parsed, "active")


def disable(parsed: argparse.Namespace) -> Any:
    """Refuse signals."""
    return _set_status(parsed, "disabled")


def test(parsed: argparse.Namespace) -> Any:
    """Return what the source makes of a body. Raises ``CommandFailed``."""
    text = read_secret(parsed, "body")
    try:
        body = json.loads(text or "", parse_float=str)
    except json.JSONDecodeError as error:
        raise CommandFailed(f"--body, --body-file or --body-stdin: {error}", status=2) from None
    path = f"/signals/sources/{parsed.id}/test"
    return network.request(parsed, "POST", path, {}, {"body": body})


def _set_status(parsed: argparse.Namespace, status: str) -> Any:
    path = f"/signals/sources/{parsed.id}"
    return network.request(parsed, "PATCH", path, {}, {"status": status})
