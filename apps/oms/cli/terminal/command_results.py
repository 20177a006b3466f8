"""What became of a command, for a person: status, price, fee and position of an order."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oms.cli.network import request
from oms.cli.output import CommandFailed
from oms.cli.terminal.row_tables import ORDER_COLUMNS, fit_table, round_number

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Statuses that an order does not leave any more.
FINAL = frozenset({"FILLED", "CANCELED", "EXPIRED", "REJECTED"})
POLL_SECONDS = 0.3
_STYLES = {"FILLED": "bold green", "REJECTED": "bold red", "CANCELED": "yellow"}


def build_results_view(parsed: argparse.Namespace, answer: Mapping[str, Any]) -> "RenderableType":
    """Return a paragraph for each result; a market order is awaited up to ``--timeout``."""
    from rich.console import Group

    return Group(*(_result(parsed, result) for result in answer["results"]))


def _result(parsed: argparse.Namespace, result: Mapping[str, Any]) -> "RenderableType":
    from rich.text import Text

    if parsed.command == "cancel-all" and result["status"] == "done":
        return _canceled(result["orders"] or ())
    if result["order"] is None:
        named = f", order {result['order_id']}" if result["order_id"] else ""
        return Text(f"{result['status']}: command {result['command_id']}{named}")
    order = _final_order(parsed, result["order"])
    deals = result["deals"] or ()
    return _order(order, deals, _positions(parsed, order, deals))


def _order(
    order: Mapping[str, Any], deals: Sequence[Mapping[str, Any]], positions: Sequence[Any]
) -> "RenderableType":
    from rich.text import Text

    status = order["status"]
    filled, qty = order["filled_qty"], order["qty"]
    amount = qty if filled in (qty, "0") else f"{filled} of {qty}"
    price = order["avg_fill_price"] or order["price"]
    text = Text.assemble(
        (status, _STYLES.get(status, "bold")), f"  {order['side']} {amount} {order['symbol']}"
    )
    text.append(f" at {round_number(price)}" if price else f" {order['order_type']}")
    profits = [deal["pnl"] for deal in deals if deal["pnl"] not in (None, "0")]
    details = [f"order {order['id']}", f"account {order['account_id']}"]
    if order["fee"] is not None:
        details.append(f"fee {round_number(order['fee'])} {order['fee_currency'] or ''}".strip())
    if profits:
        details.append(f"profit {' + '.join(round_number(each) for each in profits)}")
    text.append(f"\n{', '.join(details)}")
    for row in positions:
        text.append(f"\n{_position(row)}")
    return text


def _position(row: Mapping[str, Any]) -> str:
    if row["closed_at"] is not None:
        return f"position {row['id']} closed, realized {round_number(row['realized_pnl'])}"
    price = round_number(row["avg_price"])
    return f"position {row['id']}: {row['side']} {row['qty']} {row['symbol']} at {price}"


def _canceled(orders: Sequence[Mapping[str, Any]]) -> "RenderableType":
    from rich.console import Console, Group
    from rich.text import Text

    if not orders:
        return Text("no open orders")
    number = sum(order["status"] == "CANCELED" for order in orders)
    table = fit_table(orders, ORDER_COLUMNS, Console().width)
    return Group(Text(f"{number} of {len(orders)} orders canceled"), table)


def _final_order(parsed: argparse.Namespace, order: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the order; a market order when it is final, or as it is after ``--timeout``.

    It was sent: if it cannot be read any more, it is returned as it was last known.
    """
    deadline = time.monotonic() + float(parsed.timeout)
    is_awaited = order["order_type"] == "market" and getattr(parsed, "wait_ms", None) is None
    while is_awaited and order["status"] not in FINAL and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        try:
            (order,) = request(parsed, "GET", f"/oms/orders/{order['id']}", {})["items"]
        except CommandFailed as failed:
            said = f"order {order['id']} was sent; its state cannot be read: {failed.message}"
            print(f"oms: {said}", file=sys.stderr)
            break
    return order


def _positions(
    parsed: argparse.Namespace, order: Mapping[str, Any], deals: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Return the positions that the order's executions changed; none if they cannot be read."""
    ids = {deal["position_id"] for deal in deals} | {order["position_id"]} - {0, None}
    if order["filled_qty"] == "0" or not ids:
        return ()
    path = f"/oms/positions/{','.join(str(each) for each in sorted(ids))}"
    try:
        rows: Sequence[Mapping[str, Any]] = request(parsed, "GET", path, {})["items"]
    except CommandFailed as failed:
        print(f"oms: the positions cannot be read: {failed.message}", file=sys.stderr)
        return ()
    return rows
