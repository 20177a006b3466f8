"""``oms balance`` and ``oms ticker``: balances and prices as the accounts' exchanges have them."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from oms.cli.network import account_id_list, request
from oms.cli.output import CommandFailed, build_view

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Fields of a ticker and their names on a terminal.
_TICKER_FIELDS = {
    "symbol": "symbol",
    "last": "last",
    "bid": "bid",
    "ask": "ask",
    "percentage": "change in %",
    "high": "high",
    "low": "low",
    "baseVolume": "volume",
}


def balance(parsed: argparse.Namespace) -> Any:
    """Return ``{ok, items}``, one row per account and currency; amounts are exact text.

    An account whose exchange does not answer is reported on stderr, and ``ok`` is false.
    """
    ids = account_id_list(parsed)
    items: list[dict[str, Any]] = []
    failures: list[CommandFailed] = []
    for account_id in ids:
        try:
            items += _balance_rows(account_id, _call(parsed, account_id, "fetch_balance"))
        except CommandFailed as failed:
            failures.append(failed)
            print(f"oms: account {account_id}: {failed.message}", file=sys.stderr)
    if failures and len(failures) == len(ids):
        raise CommandFailed("no balance could be read", status=failures[0].status)
    return {"ok": not failures, "items": items}


def ticker(parsed: argparse.Namespace) -> Any:
    """Return the server's answer to ``fetch_ticker``."""
    account_id = parsed.account_id
    if account_id is None:
        account_id = account_id_list(parsed)[0]
    path = f"/ccxt/{account_id}/fetch_ticker"
    return request(parsed, "POST", path, {}, {"args": [parsed.symbol]})


def build_ticker_view(parsed: argparse.Namespace, answer: Mapping[str, Any]) -> "RenderableType":
    """Return the prices of a ticker."""
    result = answer["result"]
    shown = {title: result.get(name) for name, title in _TICKER_FIELDS.items()}
    if shown["change in %"] is not None:
        shown["change in %"] = f"{shown['change in %']:+.2f}"
    return build_view({title: value for title, value in shown.items() if value is not None})


def _call(parsed: argparse.Namespace, account_id: int, name: str) -> Mapping[str, Any]:
    path = f"/ccxt/{account_id}/{name}"
    answer = request(parsed, "POST", path, {}, {}, parse_float=Decimal)
    result: Mapping[str, Any] = answer["result"]
    return result


def _balance_rows(account_id: int, result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for currency, total in sorted(result["total"].items()):
        parts = {"free": result["free"], "used": result["used"], "total": {currency: total}}
        amounts = {name: _amount(part.get(currency)) for name, part in parts.items()}
        if any(amount not in (None, "0") for amount in amounts.values()):
            yield {"account_id": account_id, "currency": currency, **amounts}


def _amount(value: Any) -> str | None:
    if value is None:
        return None
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
