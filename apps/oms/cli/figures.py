"""Commands for figures: portfolio, statistics, and a report of how positions were closed."""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any

from oms.cli.network import account_ids, request
from oms.cli.output import build_table
from oms.domain.performance.account_value import currencies_of

if TYPE_CHECKING:
    from rich.console import RenderableType

PAGE_SIZE = 500
_PLACES = Decimal("0.0001")
_CONTEXT = Context(prec=80, rounding=ROUND_HALF_EVEN)
_FILTERS = ("strategy_id", "symbol", "exchange", "source_id", "group_by")


def portfolio(parsed: argparse.Namespace) -> Any:
    """Return what accounts are worth."""
    return request(parsed, "GET", "/portfolio", {"account_ids": account_ids(parsed)})


def stats(parsed: argparse.Namespace) -> Any:
    """Return statistics of closed positions."""
    query = {"account_ids": account_ids(parsed)}
    named = {name: getattr(parsed, name) for name in _FILTERS}
    named |= {"from": parsed.since, "to": parsed.until}
    query |= {name: text for name, text in named.items() if text is not None}
    return request(parsed, "GET", "/stats", query)


def execution_report(parsed: argparse.Namespace) -> Any:
    """Return slippage and durations of orders."""
    named = {"account_ids": account_ids(parsed), "from": parsed.since, "to": parsed.until}
    named |= {name: getattr(parsed, name) for name in _FILTERS}
    query = {name: text for name, text in named.items() if text is not None}
    return request(parsed, "GET", "/analytics/execution", query)


def exit_report(parsed: argparse.Namespace) -> Any:
    """Return positions by state, and net results of closed ones by reason and settle currency."""
    query: dict[str, Any] = {
        "account_ids": account_ids(parsed),
        "page_size": PAGE_SIZE,
        "with_total": "false",
        "cursor": "",
    }
    states: dict[str, int] = defaultdict(int)
    results: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    while query["cursor"] is not None:
        page = request(parsed, "GET", "/oms/positions/history", query)
        for row in page["items"]:
            states[row["state"]] += 1
            if row["state"] == "closed" and row["merged_into"] is None:
                key = row["close_reason"] or "-", currencies_of(row["symbol"]).settle
                results[key].append(Decimal(row["realized_pnl"]))
        query["cursor"] = page["next_cursor"]
    return {
        "states": dict(sorted(states.items())),
        "items": [_reason_row(*key, results[key]) for key in sorted(results)],
    }


def build_stats_view(parsed: argparse.Namespace, answer: Mapping[str, Any]) -> "RenderableType":
    """Return statistics as a table with a column for all positions and for each group."""
    del parsed
    groups = answer["groups"]
    names = [name for name in answer if name not in ("groups", "group_by")]
    rows = [
        {"figure": name, "all": _figure_text(answer[name])}
        | {str(group["key"]): _figure_text(group[name]) for group in groups}
        for name in names
    ]
    return build_table(rows)


def _reason_row(reason: str, currency: str, results: Sequence[Decimal]) -> dict[str, Any]:
    average = _CONTEXT.divide(sum(results, Decimal(0)), Decimal(len(results)))
    return {
        "close_reason": reason,
        "currency": currency,
        "n": len(results),
        "avg": _four_places(average),
        "min": _four_places(min(results)),
        "max": _four_places(max(results)),
    }


def _figure_text(figure: Any) -> str:
    """Return a figure with four decimals; counts as they are, ``-`` for null."""
    if figure is None:
        return "-"
    if isinstance(figure, int):
        return str(figure)
    try:
        return _four_places(Decimal(figure))
    except ArithmeticError:
        return str(figure)


def _four_places(number: Decimal) -> str:
    return format(number.quantize(_PLACES, context=_CONTEXT), "f")
