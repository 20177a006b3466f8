"""Orders of the Bybit dialect by REST: create, amend, cancel, and what is read of them.

An order that could not trade as wished (post-only that would take, no price) is taken and told as
canceled, as Bybit does; what breaks a rule is refused with a code.
"""

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from loopback.bybit.errors import ApiError, from_engine, invalid_request, not_found
from loopback.bybit.order_json import execution_json, is_conditional, order_json
from loopback.bybit.order_request import parse_order
from loopback.bybit.pagination import filter_window, paginate
from loopback.bybit.params import (
    category_of_symbol,
    find_instrument,
    parse_category,
    parse_limit,
    parse_number,
)
from loopback.exchange.late_fill import fill_after_cancel, is_resting
from loopback.exchange.rows import ExitKind, OrderOrigin, OrderRow
from loopback.formatting import Json, to_ms
from loopback.server.faults import FaultGroup
from oms.simulation.inputs import CancelOrder, ChangeOrder

if TYPE_CHECKING:
    from loopback.bybit.api import Caller

CREATE, CANCEL = "/v5/order/create", "/v5/order/cancel"
_TAKEN_ANYWAY = frozenset({"post_only_would_take", "no_price"})
_CLOSED_SHOWN_MAX = 500


def create(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Place an order."""
    category = parse_category(params)
    instrument = find_instrument(caller.venue.instruments, category, params)
    fault = caller.gate.faults.take(FaultGroup.MATCHING, CREATE, caller.key, *_AT_CREATE)
    if fault is not None and fault.mode == "reject":
        raise ApiError(int(fault.number("code", 110003)), fault.word("message", "as was asked for"))
    account = caller.account
    place = parse_order(caller, instrument, params, fault)
    made = len(account.orders)
    rejected = account.do(place, wish=params)
    if rejected is not None:
        if rejected.code not in _TAKEN_ANYWAY:
            rises = str(params.get("triggerDirection")) == "1"
            raise from_engine(rejected, category, rises=rises)
        account.refused(place, params, rejected.code)
    row = next(islice(account.orders.values(), made, None))
    return {"orderId": row.order_id, "orderLinkId": str(params.get("orderLinkId") or "")}


_AT_CREATE = ("partial", "reject", "child_orders")


def amend(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Change price, quantity or trigger; the id stays."""
    category = parse_category(params)
    row = _open_row(caller, params, category, "replace")
    order = row.order
    if params.get("takeProfit") or params.get("stopLoss"):
        raise invalid_request("takeProfit and stopLoss of an order cannot be amended here")
    qty, price, trigger = (parse_number(params, name) for name in ("qty", "price", "triggerPrice"))
    if row.exit is ExitKind.TAKE_PROFIT and row.origin is OrderOrigin.ATTACHED:
        price, trigger = trigger, None
    asked = {order.qty: qty, order.price: price, order.terms.trigger_price: trigger}
    if all(new is None or new == old for old, new in asked.items()):
        raise invalid_request(
            "The order remains unchanged as the parameters entered match the existing ones."
        )
    _on_grid(caller, row, qty, price, trigger)
    change = ChangeOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        price=price,
        qty=qty,
        trigger_price=trigger,
        at=caller.venue.now(),
    )
    rejected = caller.account.do(change)
    if rejected is not None:
        raise from_engine(rejected, category)
    return {"orderId": row.order_id, "orderLinkId": order.client_id}


def cancel(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Cancel an order."""
    category = parse_category(params)
    row = _open_row(caller, params, category, "cancel")
    if category == "spot":
        wanted = str(params.get("orderFilter") or "Order")
        if (wanted == "Order") is is_conditional(row) and row.origin is OrderOrigin.USER:
            raise not_found(category)
    fault = caller.gate.faults.take(FaultGroup.MATCHING, CANCEL, caller.key, "late_fill")
    if fault is not None and is_resting(row):
        fill_after_cancel(caller.account, row, fault, caller.venue.now())
    else:
        _cancel(caller, row)
    return {"orderId": row.order_id, "orderLinkId": row.order.client_id}


def cancel_all(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Cancel all orders of a category, a symbol, or a coin."""
    category = parse_category(params)
    rows = [row for row in caller.account.open_orders() if _is_meant(caller, row, params, category)]
    done = []
    for row in rows:
        if caller.account.orders[row.order_id].state.is_open:
            _cancel(caller, row)
        done.append({"orderId": row.order_id, "orderLinkId": row.order.client_id})
    return {"list": done, "success": "1"}


def realtime(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Open orders; by id the last closed ones too; with ``openOnly=1`` these alone."""
    category = parse_category(params)
    rows = [r for r in caller.account.orders.values() if _is_meant(caller, r, params, category)]
    opened = [row for row in rows if row.state.is_open]
    closed = [row for row in rows if not row.state.is_open][-_CLOSED_SHOWN_MAX:]
    if params.get("orderId") or params.get("orderLinkId"):
        rows = closed + opened
    else:
        rows = closed if str(params.get("openOnly", "0")) == "1" else opened
    rows.sort(key=lambda row: row.number, reverse=True)
    return _orders_page(rows, params, category)


def history(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Closed orders, the newest first."""
    category = parse_category(params)
    rows = [
        row
        for row in caller.account.orders.values()
        if not row.state.is_open and _is_meant(caller, row, params, category)
    ]
    wanted = str(params.get("orderStatus") or "")
    rows = [row for row in rows if wanted in ("", order_json(row)["orderStatus"])]
    now_ms = to_ms(caller.venue.now())
    return _orders_page(
        filter_window(rows, params, now_ms, lambda row: to_ms(row.created_at)), params, category
    )


def executions(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Executions, the newest first."""
    category = parse_category(params)
    symbol = _symbol(caller, params, category)
    wanted = str(params.get("execType") or "")
    order_id, link = params.get("orderId"), params.get("orderLinkId")
    rows = [
        row
        for row in caller.account.records.executions
        if category_of_symbol(row.trade.symbol) == category
        and (symbol is None or row.trade.symbol == symbol)
        and (not order_id or (row.order is not None and row.order.order_id == order_id))
        and (not link or row.trade.client_id == link)
    ]
    rows = filter_window(
        rows, params, to_ms(caller.venue.now()), lambda row: to_ms(row.trade.executed_at)
    )
    told = [json for json in map(execution_json, rows) if wanted in ("", json["execType"])]
    shown, cursor = paginate(told, params, parse_limit(params, 50, 100))
    return {"category": category, "list": shown, "nextPageCursor": cursor}


def _orders_page(rows: list[OrderRow], params: Mapping[str, Any], category: str) -> Json:
    shown, cursor = paginate(rows, params, parse_limit(params, 20, 50))
    return {
        "category": category,
        "list": [order_json(row) for row in shown],
        "nextPageCursor": cursor,
    }


def _symbol(caller: "Caller", params: Mapping[str, Any], category: str) -> str | None:
    if not params.get("symbol"):
        return None
    return find_instrument(caller.venue.instruments, category, params).symbol


def _is_meant(caller: "Caller", row: OrderRow, params: Mapping[str, Any], category: str) -> bool:
    """Whether a request for several orders means this one."""
    order = row.order
    instrument = caller.venue.instruments[order.symbol]
    kind = str(params.get("orderFilter") or "")
    wanted = {
        "orderId": row.order_id,
        "orderLinkId": order.client_id,
        "settleCoin": instrument.settle,
        "baseCoin": instrument.base,
    }
    return (
        category_of_symbol(order.symbol) == category
        and _symbol(caller, params, category) in (None, order.symbol)
        and all(params.get(name) in (None, "", each) for name, each in wanted.items())
        and (not kind or (kind != "Order") is is_conditional(row))
    )


def _open_row(caller: "Caller", params: Mapping[str, Any], category: str, word: str) -> OrderRow:
    """The open order that a request names. Raises ``Refusal``."""
    instrument = find_instrument(caller.venue.instruments, category, params)
    order_id, link = params.get("orderId"), params.get("orderLinkId")
    if not order_id and not link:
        raise invalid_request("params error: OrderId or orderLinkId is required")
    row = caller.account.records.find_order(instrument.symbol, order_id, link)
    if row is None or not row.state.is_open:
        raise not_found(category, word)
    return row


def _on_grid(caller: "Caller", row: OrderRow, qty: Any, price: Any, trigger: Any) -> None:
    instrument = caller.venue.instruments[row.order.symbol]
    if qty is not None and qty % instrument.step:
        raise invalid_request("Qty invalid")
    if any(each is not None and each % instrument.tick for each in (price, trigger)):
        raise invalid_request("Price invalid")


def _cancel(caller: "Caller", row: OrderRow) -> None:
    order = row.order
    wish = CancelOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        at=caller.venue.now(),
    )
    rejected = caller.account.do(wish)
    if rejected is not None:
        raise from_engine(rejected, category_of_symbol(order.symbol))
