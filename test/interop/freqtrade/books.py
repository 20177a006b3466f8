"""Compares freqtrade's database with the gateway: orders, amounts, prices and profits are equal."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from environments import Finding, read_history, require

from kit.gateway.processes import Gateway
from kit.http.client import call

#: freqtrade rounds profits to eight decimal places.
PROFIT_DIFFERENCE_MAX = Decimal("0.000000005")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The lines of the report."""

    lines: Sequence[str]


def closed_trips(database: Path) -> tuple[int, int]:
    """Returns the number of freqtrade's closed trades: by its exits, by stops at the exchange."""
    reasons = [trade["exit_reason"] for trade in _rows(database, "trades") if not trade["is_open"]]
    stops = reasons.count("stoploss_on_exchange")
    return len(reasons) - stops, stops


def compare(gateway: Gateway, account_id: int, database: Path) -> Comparison:
    """Compares all closed trades. Raises ``Finding`` for a difference."""
    orders, deals, closed = (
        read_history(gateway, path, account_id)
        for path in ("orders/history", "deals", "positions/history")
    )
    gateway_orders = {str(order["id"]): order for order in orders}
    lines = []
    for trade in _rows(database, "trades"):
        if trade["is_open"]:
            continue
        trade_orders = [
            order
            for order in _rows(database, "orders")
            if order["ft_trade_id"] == trade["id"] and order["filled"]
        ]
        require(
            {order["side"] for order in trade_orders} == {"buy", "sell"}, f"in and out of {trade}"
        )
        for order in trade_orders:
            lines.append(_compare_order(order, gateway_orders.get(order["order_id"]), deals))
        lines += _compare_stops(trade, _rows(database, "orders"), gateway_orders)
        ids = {order["order_id"] for order in trade_orders}
        position_ids = {str(deal["position_id"]) for deal in deals if str(deal["order_id"]) in ids}
        positions = [
            each for each in closed if str(each["id"]) in position_ids and each["state"] == "closed"
        ]
        require(
            len(position_ids) == len(positions) == 1,
            f"one closed position of {ids}: {position_ids}, {closed}",
        )
        profit = Decimal(positions[0]["realized_pnl"])
        require(
            abs(profit - Decimal(str(trade["close_profit_abs"]))) <= PROFIT_DIFFERENCE_MAX,
            f"profit of {positions[0]}: {trade}",
        )
        if ":" in trade["pair"]:
            lines.append(_compare_margin(gateway, account_id, trade))
        lines.append(
            f"position {positions[0]['id']} {positions[0]['symbol']} closed,"
            f" profit {positions[0]['realized_pnl']}; freqtrade: {trade['close_profit_abs']}"
        )
    require(bool(lines), "freqtrade closed no trade")
    return Comparison(lines=lines)


def _compare_stops(
    trade: Mapping[str, Any], orders: Sequence[Mapping[str, Any]], gateway_orders: Mapping[str, Any]
) -> list[str]:
    """Checks freqtrade's stop orders at the exchange; returns the lines of the canceled ones.

    One that was executed is the order that closed the trade.
    """
    trade_orders = [order for order in orders if order["ft_trade_id"] == trade["id"]]
    ids = [order["order_id"] for order in trade_orders if order["ft_order_side"] == "stoploss"]
    require(bool(ids), f"a stop at the exchange for {trade}")
    executed = trade["exit_reason"] == "stoploss_on_exchange"
    expected = ["CANCELED"] * (len(ids) - executed) + ["FILLED"] * executed
    statuses = [gateway_orders.get(each, {}).get("status") for each in ids]
    require(statuses == expected, f"{ids} {expected}: {gateway_orders}")
    return [
        f"order {each} {gateway_orders[each]['order_type']} canceled"
        for each, status in zip(ids, statuses, strict=True)
        if status == "CANCELED"
    ]


def _compare_margin(gateway: Gateway, account_id: int, trade: Mapping[str, Any]) -> str:
    """Compares leverage and margin mode of a contract with the trade's; returns a line."""
    answers = []
    for func in ("fetch_leverage", "fetch_margin_mode"):
        path = f"/ccxt/{account_id}/{func}"
        status, body, _ = call(gateway, "POST", path, {"args": [trade["pair"]]})
        require(status == 200, f"{func}: {body}")
        answers.append(body["result"])
    leverage, mode = answers[0]["longLeverage"], answers[1]["marginMode"]
    require((leverage, mode) == (trade["leverage"], "isolated"), f"margin of {trade}: {answers}")
    require(bool(trade["liquidation_price"]), f"a liquidation price of {trade}")
    return (
        f"{trade['pair']} {mode}, leverage {leverage}, liquidation at {trade['liquidation_price']}"
    )


def _compare_order(
    theirs: Mapping[str, Any], ours: Mapping[str, Any] | None, deals: Sequence[Any]
) -> str:
    """Compares an order of freqtrade with the gateway's; returns its line."""
    if ours is None:
        raise Finding(f"the gateway has no order {dict(theirs)}")
    executed = [deal for deal in deals if str(deal["order_id"]) == theirs["order_id"]]
    qty = sum((Decimal(deal["qty"]) for deal in executed), Decimal(0))
    require(ours["status"] == "FILLED", f"FILLED: {ours}")
    require(ours["side"] == theirs["side"], f"side of {ours}: {dict(theirs)}")
    require(qty == Decimal(ours["filled_qty"]), f"deals of {ours}: {executed}")
    require(float(qty) == theirs["filled"], f"filled of {ours}: {dict(theirs)}")
    require(float(ours["avg_fill_price"]) == theirs["average"], f"price of {ours}: {dict(theirs)}")
    return (
        f"order {ours['id']} {ours['order_type']} {ours['side']} {qty} {ours['symbol']} at"
        f" {ours['avg_fill_price']} FILLED, deals {[deal['id'] for deal in executed]}"
    )


def _rows(database: Path, table: str) -> list[dict[str, Any]]:
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]
        except sqlite3.OperationalError:  # not created yet, or being written
            return []
