"""``oms risk``: limits of risk policies, the verdict on an order, the switch of the gateway."""

import argparse
from typing import Any

from oms.cli import network
from oms.cli.settings import require_confirmation

_FLAGS = {"true": True, "false": False}
_ORDER_FIELDS = ("symbol", "side", "order_type", "qty", "price", "strategy_id", "reduce_only")


def show(parsed: argparse.Namespace) -> Any:
    """Return the limits that a scope sets."""
    return network.request(parsed, "GET", "/risk/policy", _scope(parsed))


def set_limit(parsed: argparse.Namespace) -> Any:
    """Set one key of a scope."""
    body = _scope(parsed) | {"keys": {parsed.key: _value(parsed.key, parsed.value)}}
    return network.request(parsed, "PUT", "/risk/policy", {}, body | {"comment": parsed.comment})


def apply_preset(parsed: argparse.Namespace) -> Any:
    """Replace the limits of an account by those of a preset."""
    body = {"account_id": parsed.account_id, "preset": parsed.preset, "comment": parsed.comment}
    return network.request(parsed, "POST", "/risk/policy/preset", {}, body)


def show_switch(parsed: argparse.Namespace) -> Any:
    """Return whether the gateway is enabled."""
    return network.request(parsed, "GET", "/risk/switch", {})


def enable(parsed: argparse.Namespace) -> Any:
    """Enable the gateway."""
    require_confirmation(parsed, "enable the gateway")
    body = {"enabled": True, "comment": parsed.comment}
    return network.request(parsed, "POST", "/risk/switch", {}, body)


def disable(parsed: argparse.Namespace) -> Any:
    """Disable the gateway."""
    body = {"enabled": False, "kind": parsed.kind, "comment": parsed.comment}
    return network.request(parsed, "POST", "/risk/switch", {}, body)


def reset(parsed: argparse.Namespace) -> Any:
    """Set the high-water mark of an account's equity to its current equity."""
    body = {"account_id": parsed.account_id, "key": parsed.key, "comment": parsed.comment}
    return network.request(parsed, "POST", "/risk/reset", {}, body)


def usage(parsed: argparse.Namespace) -> Any:
    """Return how much of each limit of an account is in use."""
    return network.request(parsed, "GET", "/risk/usage", {"account_id": parsed.account_id})


def check(parsed: argparse.Namespace) -> Any:
    """Return the verdict on an order without sending it."""
    order = {
        name: getattr(parsed, name) for name in _ORDER_FIELDS if getattr(parsed, name) is not None
    }
    body = {"account_id": parsed.account_id, "order": order}
    return network.request(parsed, "POST", "/risk/check", {}, body)


def _scope(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the scope that the flags name."""
    if parsed.is_global:
        return {"scope": "global"}
    if parsed.strategy_id is not None:
        return {"scope": "strategy", "scope_id": parsed.strategy_id}
    return {"scope": "account", "scope_id": parsed.account_id}


def _value(key: str, text: str) -> str | bool | list[str] | None:
    """Return a value as it is sent: ``none`` removes a limit, symbols have commas between them."""
    if text.lower() in ("none", ""):
        return None
    if text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    return text.split(",") if "/" in text and not key.endswith("_zone") else text
