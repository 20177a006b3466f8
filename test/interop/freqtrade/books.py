"""freqtrade's books beside the gateway's: the same orders, amounts and prices, or a finding."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from kit.gateway.processes import Gateway
from kit.http.client import get


class Finding(Exception):
    """Something is not as it should be; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What both books say, for reading."""

    lines: Sequence[str]


def round_trips(database: Path) -> int:
    """Trades that freqtrade holds for closed; 0 while it has no books."""
    return sum(not trade["is_open"] for trade in _rows(database, "trades"))


def compare(gateway: Gateway, account_id: int, database: Path) -> Compared:
    """Raises ``Finding`` where the books differ."""
    today = datetime.now(UTC).date()
    window = f"start_date={today - timedelta(days=1)}&end_date={today}&page=1&page_size=100"
    orders, deals, closed = (
        get(gateway, f"/oms/{path}?account_ids={account_id}&{window}")["items"]
        for path in ("orders/history", "deals", "positions/history")
    )
    ours = {str(order["id"]): order for order in orders}
    lines = []
    for trade in _rows(database, "trades"):
        if trade["is_open"]:
            continue
        theirs = [
            order
            for order in _rows(database, "orders")
            if order["ft_trade_id"] == trade["id"] and order["filled"]
        ]
        _demand({order["side"] for order in theirs} == {"buy", "sell"}, f"in and out of {trade}")
        for order in theirs:
            lines.append(_told(order, ours.get(order["order_id"]), deals))
        lines += _stops(trade, _rows(database, "orders"), ours)
        ids = {order["order_id"] for order in theirs}
        mine = {str(deal["position_id"]) for deal in deals if str(deal["order_id"]) in ids}
        told = [each for each in closed if str(each["id"]) in mine and each["state"] == "closed"]
        _demand(len(mine) == len(told) == 1, f"one closed position of {ids}: {mine}, {closed}")
        lines.append(
            f"position {told[0]['id']} {told[0]['symbol']} closed,"
            f" profit {told[0]['realized_pnl']}; freqtrade says {trade['close_profit_abs']}"
        )
    _demand(bool(lines), "freqtrade closed no trade")
    return Compared(lines=lines)


def _stops(
    trade: Mapping[str, Any], orders: Sequence[Mapping[str, Any]], ours: Mapping[str, Any]
) -> list[str]:
    """The stops that freqtrade had rest at the exchange; none may be left over."""
    mine = [order for order in orders if order["ft_trade_id"] == trade["id"]]
    ids = [order["order_id"] for order in mine if order["ft_order_side"] == "stoploss"]
    _demand(bool(ids), f"a stop at the exchange for {trade}")
    for each in ids:
        _demand(each in ours and ours[each]["status"] == "CANCELED", f"{each} canceled: {ours}")
    return [f"order {each} {ours[each]['order_type']} canceled" for each in ids]


def _told(theirs: Mapping[str, Any], ours: Mapping[str, Any] | None, deals: Sequence[Any]) -> str:
    """An order of freqtrade's, as both books have it."""
    if ours is None:
        raise Finding(f"the gateway does not know the order {dict(theirs)}")
    executed = [deal for deal in deals if str(deal["order_id"]) == theirs["order_id"]]
    qty = sum((Decimal(deal["qty"]) for deal in executed), Decimal(0))
    _demand(ours["status"] == "FILLED", f"FILLED: {ours}")
    _demand(ours["side"] == theirs["side"], f"side of {ours}: {dict(theirs)}")
    _demand(qty == Decimal(ours["filled_qty"]), f"deals of {ours}: {executed}")
    _demand(float(qty) == theirs["filled"], f"filled of {ours}: {dict(theirs)}")
    _demand(float(ours["avg_fill_price"]) == theirs["average"], f"price of {ours}: {dict(theirs)}")
    return (
        f"order {ours['id']} {ours['order_type']} {ours['side']} {qty} {ours['symbol']} at"
        f" {ours['avg_fill_price']} FILLED, deals {[deal['id'] for deal in executed]}"
    )


def _demand(is_so: bool, what: str) -> None:
    if not is_so:
        raise Finding(f"expected: {what}")


def _rows(database: Path, table: str) -> list[dict[str, Any]]:
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]
        except sqlite3.OperationalError:  # not there yet, or being written
            return []
