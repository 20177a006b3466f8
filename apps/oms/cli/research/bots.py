"""``oms bot``: bots over HTTP."""

import argparse
from typing import Any

from oms.cli import network
from oms.cli.research.backtest_input import read_parameters

_FIELDS = (
    *("name", "strategy", "version", "account_id", "strategy_id", "symbols", "timeframe"),
    *("exchange", "mode", "max_lag_seconds", "stop_loss_pct", "take_profit_pct"),
    "stop_trailing_pct",
)


def create(parsed: argparse.Namespace) -> Any:
    """Create a bot."""
    kind, number = parsed.sizing
    sent = {name: getattr(parsed, name) for name in _FIELDS}
    body = {name: value for name, value in sent.items() if value is not None} | {
        "params": _parameters(parsed.param),
        "sizing": {"kind": kind, "value": number},
        "allow_short": parsed.allow_short,
    }
    return network.request(parsed, "POST", "/bots", {}, body)


def show_all(parsed: argparse.Namespace) -> Any:
    """Return the bots."""
    return network.request(parsed, "GET", "/bots", {})


def show_figures(parsed: argparse.Namespace) -> Any:
    """Return results of today, errors, the last signal and balances of each bot."""
    return network.request(parsed, "GET", "/bots/figures", {})


def show(parsed: argparse.Namespace) -> Any:
    """Return a bot."""
    return network.request(parsed, "GET", f"/bots/{parsed.id}", {})


def start(parsed: argparse.Namespace) -> Any:
    """Let a bot run; the answer does not wait until it does."""
    parsed.wait_ms = 0
    return network.request(parsed, "POST", f"/bots/{parsed.id}/start", {}, {})


def restart(parsed: argparse.Namespace) -> Any:
    """Restart a bot, with what is given changed."""
    parsed.wait_ms = 0
    body: dict[str, Any] = {}
    if parsed.param is not None:
        body["params"] = _parameters(parsed.param)
    if parsed.sizing is not None:
        body["sizing"] = dict(zip(("kind", "value"), parsed.sizing, strict=True))
    if parsed.mode is not None:
        body["mode"] = parsed.mode
    return network.request(parsed, "POST", f"/bots/{parsed.id}/restart", {}, body)


def stop(parsed: argparse.Namespace) -> Any:
    """Stop a bot."""
    parsed.wait_ms = 0
    body = {"positions": "flatten" if parsed.flatten else "keep"}
    return network.request(parsed, "POST", f"/bots/{parsed.id}/stop", {}, body)


def delete(parsed: argparse.Namespace) -> Any:
    """Delete a bot."""
    return network.request(parsed, "DELETE", f"/bots/{parsed.id}", {})


def logs(parsed: argparse.Namespace) -> Any:
    """Return the history of a bot."""
    query = {"kind": parsed.kind, "before_id": parsed.before_id, "limit": parsed.limit}
    sent = {name: value for name, value in query.items() if value is not None}
    return network.request(parsed, "GET", f"/bots/{parsed.id}/events", sent)


def _parameters(sent: list[str]) -> dict[str, int | str]:
    return {name: _number(text) for name, text in read_parameters(sent).items()}


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text
