"""``oms smoke risk-size``: a limit on the size of a position holds on the running gateway.

It needs the database, where it makes a paper account and a key of its own, and the server, to which
it sends two orders. Nothing else is traded on.
"""

import argparse
import secrets
from dataclasses import dataclass
from typing import Any

from oms.cli import network
from oms.cli.audit_context import cli_audit_context
from oms.cli.install import with_registry
from oms.cli.output import CommandFailed
from oms.cli.registry_accounts import FULL_GRANT, create_granted_account
from oms.config import Settings
from oms.ports.admin.account_admin import AccountChange
from oms.ports.admin.user_admin import ApiKeyChange
from oms.services.access.administer import Administer

USER_NAME = "smoke"
SYMBOL = "BTC/USDT"
PRESET = "small"
#: Price of the order that the preset allows, and of the one that it refuses; both have quantity 1.
ACCEPTED_PRICE, REFUSED_PRICE = "5", "100"
REASON = "max_size_per_position_exceeded"
_COMMENT = "oms smoke risk-size"
_WAIT_MS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """The account of one run and its key."""

    account_id: int
    key_id: int


def risk_size(parsed: argparse.Namespace) -> Any:
    """Return what became of an order within the limit, and of one above it.

    ``ok`` if the first was accepted and the second refused for its size. The account is closed and
    blocked and its key disabled in any case. Raises ``CommandFailed``.
    """
    trial, parsed.read_api_key = with_registry(parsed, _set_up)
    try:
        accepted = _check(parsed, trial, ACCEPTED_PRICE, expected="accepted")
        _close_positions(parsed, trial)
        checks = [accepted, _check(parsed, trial, REFUSED_PRICE, expected=REASON)]
        _close_positions(parsed, trial)
    finally:
        with_registry(parsed, lambda _, administer: _remove(administer, trial))
    return {
        "ok": all(each["ok"] for each in checks),
        "account_id": trial.account_id,
        "preset": PRESET,
        "removed": True,
        "checks": checks,
    }


async def _set_up(settings: Settings, administer: Administer) -> tuple[_Trial, str]:
    """Create an account with manual prices, and return it with the text of its key."""
    user, _ = await administer.ensure_user(USER_NAME, "trader", cli_audit_context(_COMMENT))
    account = argparse.Namespace(
        exchange_id="paper.binance",
        label=f"smoke-{secrets.token_hex(4)}",
        position_mode="hedge",
        testnet=False,
        extra_config='{"oms":{"paper":{"source":"manual"}}}',
        risk_preset=PRESET,
    )
    created = await create_granted_account(administer, account, user.id, FULL_GRANT)
    key_id, text = await administer.create_granted_key(
        user.id, None, _COMMENT, cli_audit_context(_COMMENT)
    )
    return _Trial(account_id=created.id, key_id=key_id), text


async def _remove(administer: Administer, trial: _Trial) -> None:
    """Block the account and disable its key; the rows stay, as all books do."""
    context = cli_audit_context(_COMMENT)
    await administer.change_key(trial.key_id, ApiKeyChange(status="disabled"), context)
    await administer.change_account(
        trial.account_id, AccountChange(status="blocked"), None, context
    )


def _check(
    parsed: argparse.Namespace, trial: _Trial, price: str, *, expected: str
) -> dict[str, Any]:
    """Buy one unit at a price, and return what became of it."""
    level = {"account_id": trial.account_id, "symbol": SYMBOL, "price": price}
    network.request(parsed, "POST", "/paper/price", {}, level)
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": "1", "price": price}
    outcome, message = _send(parsed, trial, "send_order", order)
    fields = {"qty": "1", "price": price, "expected": expected, "outcome": outcome}
    return {"name": f"one unit at {price}", "ok": outcome == expected, **fields, "message": message}


def _close_positions(parsed: argparse.Namespace, trial: _Trial) -> None:
    """Close what was bought. Raises ``CommandFailed`` if that is refused."""
    query = {"account_ids": str(trial.account_id)}
    for row in network.request(parsed, "GET", "/oms/positions/open", query)["items"]:
        outcome, message = _send(parsed, trial, "close_position", {"position_id": row["id"]})
        if outcome != "accepted":
            raise CommandFailed(f"the position was not closed: {message}")


def _send(
    parsed: argparse.Namespace, trial: _Trial, command: str, payload: dict[str, Any]
) -> tuple[str, str | None]:
    """Return ``accepted``, or code or reason of the refusal, with its message.

    Raises ``CommandFailed`` without a result.
    """
    body = {"account_id": trial.account_id, "command": command, "payload": payload}
    try:
        network.request(parsed, "POST", "/oms/commands", {"wait_ms": _WAIT_MS}, body)
    except CommandFailed as failed:
        error = failed.answer.get("detail") if isinstance(failed.answer, dict) else None
        if not isinstance(error, dict) or error.get("outcome") != "not_sent":
            raise
        return error.get("reason") or error["code"], error["message"]
    return "accepted", None
