"""``oms replay``: rebuilds an account's ledger from stored deals and compares it; read-only."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oms import bootstrap
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.cli.install import run_async
from oms.cli.output import CommandFailed, build_table, print_view
from oms.cli.settings import command_settings
from oms.domain.account import Account
from oms.domain.instrument import Instrument
from oms.domain.money import decimal_text
from oms.domain.orders.order import Order
from oms.domain.protection.levels import SETTABLE
from oms.services.replay.replay import Replay, ReplayedSymbol
from oms.services.verify.account_instruments import AccountInstruments
from oms.simulation.market.instruments import paper_instruments
from oms.wire.json import time_text
from oms.wire.responses.ledger_rows import deal_row, position_row

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Row keys that cannot be rebuilt from deals.
_NOT_REBUILT = frozenset(
    {
        *("updated_at", "version", "stop_loss", "stop_gain", "comment", "protection"),
        *("stop_trailing_best", "tp_sl_base", *SETTABLE),
        *("mark_price", "mark_at", "unrealized_pnl"),
    }
)
_IN_TABLES = {
    "positions": (
        *("id", "symbol", "strategy_id", "side", "qty", "avg_price", "state", "realized_pnl"),
        *("opened_at", "closed_at"),
    ),
    "orders": ("id", "symbol", "side", "qty", "filled_qty", "avg_fill_price", "strategy_id"),
    "differences": ("entity", "id", "field", "rebuilt", "stored"),
}


def replay(parsed: argparse.Namespace) -> Any:
    """Return the report, or print tables on a terminal. Exit status 1 with any difference."""
    settings = command_settings(parsed)
    until = _parse_time(parsed.until)

    async def run() -> dict[str, Any]:
        async with bootstrap.open_store(settings) as store:
            await bootstrap.require_schema(store)
            return await build_replay_report(store, parsed.account_id, until, parsed.symbol)

    answer = run_async(run())
    if parsed.write_to is not None:
        return _write_report(answer, parsed.write_to)
    if parsed.json or not sys.stdout.isatty():
        return answer
    print_view(build_tables(answer))
    if not answer["ok"]:
        raise CommandFailed(f"{len(answer['differences'])} fields differ from their rebuild")
    return None


async def build_replay_report(
    store: SqlStore,
    account_id: int,
    until: datetime | None = None,
    symbol: str | None = None,
    instruments: Callable[[Account], Mapping[str, Instrument]] = paper_instruments,
) -> dict[str, Any]:
    """Return the report; only the current ledger is compared.

    Raises ``NotFound``, ``Unavailable``.
    """
    clock = SystemClock()
    past = until if until is not None and until < clock.now() else None
    replay_account = Replay(
        registry=store.registry,
        history=store.history,
        audit=store.verification_reads,
        clock=clock,
        instruments=AccountInstruments(store.verification_reads, instruments),
    )
    symbols = [each async for each in replay_account(account_id, past, symbol)]
    differences = [asdict(difference) for each in symbols for difference in each.differences]
    return {
        "ok": not differences,
        "account_id": account_id,
        "until": None if until is None else time_text(until),
        "compared": past is None,
        "orders": [_order_row(order) for each in symbols for order in each.books.orders],
        "deals": [_rebuilt_fields(deal_row(deal)) for each in symbols for deal in each.books.deals],
        "positions": _position_rows(symbols),
        "differences": differences,
    }


def build_tables(answer: Mapping[str, Any]) -> "RenderableType":
    """Return the view of a report: positions, orders and differences; deals are counted."""
    from rich.console import Group
    from rich.text import Text

    views: list[RenderableType] = []
    for name, keys in _IN_TABLES.items():
        rows = [{key: row[key] for key in keys} for row in answer[name]]
        if rows:
            views += [Text(name, style="bold"), build_table(rows), Text()]
        elif name != "differences":
            views += [Text(f"{name}: none"), Text()]
    result = "as stored" if answer["ok"] and answer["compared"] else ""
    result = result or ("not compared: the time is past" if answer["ok"] else "NOT as stored")
    return Group(*views, Text(f"rebuilt from {len(answer['deals'])} deals, {result}"))


def _position_rows(symbols: Sequence[ReplayedSymbol]) -> list[dict[str, Any]]:
    return [_rebuilt_fields(position_row(row)) for each in symbols for row in each.books.positions]


def _order_row(order: Order) -> dict[str, Any]:
    average = order.avg_fill_price
    return {
        "id": order.id,
        "account_id": order.account_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "order_type": order.order_type,
        "strategy_id": order.strategy_id,
        "qty": decimal_text(order.qty),
        "filled_qty": decimal_text(order.filled_qty),
        "avg_fill_price": None if average is None else decimal_text(average),
        "fees": {name: decimal_text(fee) for name, fee in order.fees.items() if fee},
        "created_at": time_text(order.created_at),
    }


def _rebuilt_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _NOT_REBUILT}


def _write_report(answer: dict[str, Any], path: str) -> dict[str, Any]:
    """Write the report to a file; return counts and differences to print."""
    try:
        Path(path).write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}") from None
    counts = {name: len(answer[name]) for name in ("orders", "deals", "positions")}
    return {**answer, **counts, "file": path}


def _parse_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"{text!r} is no RFC 3339 time", status=2) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
