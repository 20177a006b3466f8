"""Orders and executions of the Bybit dialect over REST.

As at Bybit, an order that cannot trade as requested (post-only that would take, no price) is
accepted and canceled immediately; an invalid order is rejected with a code.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

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
from loopback.exchange.caller import Caller
from loopback.exchange.late_fill import fill_after_cancel, is_resting
from loopback.exchange.rows import ExitKind, OrderOrigin, OrderRow
from loopback.faults import FaultGroup
from loopback.formatting import Json, to_ms
from oms.simulation.inputs import CancelOrder, ChangeOrder

CREATE, CANCEL = "/v5/order/create", "/v5/order/cancel"
_ACCEPTED_AND_CANCELED = frozenset({"post_only_would_take", "no_price"})
_CLOSED_ORDERS_MAX = 500


def create(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Places an order."""
    category = parse_category(params)
    instrument = find_instrument(caller.venue.instruments, category, params)
    fault = caller.faults.take(FaultGroup.MATCHING, CREATE, caller.key, *_CREATE_FAULTS)
    if fault is not None and fault.mode == "reject":
        raise ApiError(
            int(fault.number("code", 110003)), fault.text("message", "rejected by a fault")
        )
    account = caller.account
    request = parse_order(caller, instrument, params, fault)
    order_count = len(account.orders)
    rejected = account.apply(request, params=params)
    if rejected is not None:
        if rejected.code not in _ACCEPTED_AND_CANCELED:
            rises = str(params.get("triggerDirection")) == "1"
            raise from_engine(rejected, category, rises=rises)
        account.record_canceled(request, params, rejected.code)
    row = next(islice(account.orders.values(), order_count, None))
    return {"orderId": row.order_id, "orderLinkId": str(params.get("orderLinkId") or "")}


def create_batch(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Places several orders; ``codes`` says of each whether it was accepted."""
    category, orders = parse_category(params), params.get("request")
    if not isinstance(orders, list) or not all(isinstance(each, dict) for each in orders):
        raise invalid_request("request is not a list of orders")
    if not 0 < len(orders) <= (10 if category == "spot" else 20):
        raise invalid_request("The number of orders exceeds the limit")
    rows, codes = [], []
    for order in orders:
        row = {"category": category, "symbol": str(order.get("symbol") or ""), "createAt": ""}
        try:
            created = create(caller, {**order, "category": category})
            codes.append({"code": 0, "msg": "OK"})
            row["createAt"] = str(to_ms(caller.venue.now()))
        except ApiError as error:
            created = {"orderId": "", "orderLinkId": ""}
            codes.append({"code": error.code, "msg": error.message})
        rows.append(row | created)
    return {"list": rows, "codes": codes}


_CREATE_FAULTS = ("partial", "reject", "child_orders")


def amend(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Changes price, quantity or trigger; the id is kept."""
    category = parse_category(params)
    row = _open_row(caller, params, category, "replace")
    order = row.order
    if params.get("takeProfit") or params.get("stopLoss"):
        raise invalid_request("takeProfit and stopLoss of an order cannot be amended here")
    qty, price, trigger = (parse_number(params, name) for name in ("qty", "price", "triggerPrice"))
    if row.exit is ExitKind.TAKE_PROFIT and row.origin is OrderOrigin.ATTACHED:
        price, trigger = trigger, None
    changes = {order.qty: qty, order.price: price, order.terms.trigger_price: trigger}
    if all(new is None or new == old for old, new in changes.items()):
        raise invalid_request(
            "The order remains unchanged as the parameters entered match the existing ones."
        )
    _check_steps(caller, row, qty, price, trigger)
    request = ChangeOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        price=price,
        qty=qty,
        trigger_price=trigger,
        at=caller.venue.now(),
    )
    rejected = caller.account.apply(request)
    if rejected is not None:
        raise from_engine(rejected, category)
    return {"orderId": row.order_id, "orderLinkId": order.client_id}


def cancel(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Cancels an order."""
    category = parse_category(params)
    row = _open_row(caller, params, category, "cancel")
    if category == "spot":
        order_filter = str(params.get("orderFilter") or "Order")
        if (order_filter == "Order") is is_conditional(row) and row.origin is OrderOrigin.USER:
            raise not_found(category)
    fault = caller.faults.take(FaultGroup.MATCHING, CANCEL, caller.key, "late_fill")
    if fault is not None and is_resting(row):
        fill_after_cancel(caller.account, row, fault, caller.venue.now())
    else:
        _cancel(caller, row)
    return {"orderId": row.order_id, "orderLinkId": row.order.client_id}


def cancel_all(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Cancels all orders of a category, a symbol, or a coin."""
    category = parse_category(params)
    rows = [row for row in caller.account.open_orders() if _matches(caller, row, params, category)]
    canceled = []
    for row in rows:
        if caller.account.orders[row.order_id].state.is_open:
            _cancel(caller, row)
        canceled.append({"orderId": row.order_id, "orderLinkId": row.order.client_id})
    return {"list": canceled, "success": "1"}


def realtime(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns open orders; by id also recently closed ones; with ``openOnly=1`` only these."""
    category = parse_category(params)
    rows = [r for r in caller.account.orders.values() if _matches(caller, r, params, category)]
    opened = [row for row in rows if row.state.is_open]
    closed = [row for row in rows if not row.state.is_open][-_CLOSED_ORDERS_MAX:]
    if params.get("orderId") or params.get("orderLinkId"):
        rows = closed + opened
    else:
        rows = closed if str(params.get("openOnly", "0")) == "1" else opened
    rows.sort(key=lambda row: row.number, reverse=True)
    return _orders_page(rows, params, category)


def history(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns closed orders, the newest first."""
    category = parse_category(params)
    rows = [
        row
        for row in caller.account.orders.values()
        if not row.state.is_open and _matches(caller, row, params, category)
    ]
    status = str(params.get("orderStatus") or "")
    rows = [row for row in rows if status in ("", order_json(row)["orderStatus"])]
    now_ms = to_ms(caller.venue.now())
    return _orders_page(
        filter_window(rows, params, now_ms, lambda row: to_ms(row.created_at)), params, category
    )


def executions(caller: Caller, params: Mapping[str, Any]) -> Json:
    """Returns executions, the newest first."""
    category = parse_category(params)
    symbol = _symbol(caller, params, category)
    execution_type = str(params.get("execType") or "")
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
    bodies = [
        each for each in map(execution_json, rows) if execution_type in ("", each["execType"])
    ]
    page, cursor = paginate(bodies, params, parse_limit(params, 50, 100))
    return {"category": category, "list": page, "nextPageCursor": cursor}


def _orders_page(rows: list[OrderRow], params: Mapping[str, Any], category: str) -> Json:
    page, cursor = paginate(rows, params, parse_limit(params, 20, 50))
    return {
        "category": category,
        "list": [order_json(row) for row in page],
        "nextPageCursor": cursor,
    }


def _symbol(caller: Caller, params: Mapping[str, Any], category: str) -> str | None:
    if not params.get("symbol"):
        return None
    return find_instrument(caller.venue.instruments, category, params).symbol


def _matches(caller: Caller, row: OrderRow, params: Mapping[str, Any], category: str) -> bool:
    """Whether an order matches the filters of a request."""
    order = row.order
    instrument = caller.venue.instruments[order.symbol]
    kind = str(params.get("orderFilter") or "")
    filters = {
        "orderId": row.order_id,
        "orderLinkId": order.client_id,
        "settleCoin": instrument.settle,
        "baseCoin": instrument.base,
    }
    return (
        category_of_symbol(order.symbol) == category
        and _symbol(caller, params, category) in (None, order.symbol)
        and all(params.get(name) in (None, "", each) for name, each in filters.items())
        and (not kind or (kind != "Order") is is_conditional(row))
    )


def _open_row(caller: Caller, params: Mapping[str, Any], category: str, action: str) -> OrderRow:
    """Returns the open order of a request. Raises ``ApiError``."""
    instrument = find_instrument(caller.venue.instruments, category, params)
    order_id, link = params.get("orderId"), params.get("orderLinkId")
    if not order_id and not link:
        raise invalid_request("params error: OrderId or orderLinkId is required")
    row = caller.account.records.find_order(instrument.symbol, order_id, link)
    if row is None or not row.state.is_open:
        raise not_found(category, action)
    return row


def _check_steps(caller: Caller, row: OrderRow, qty: Any, price: Any, trigger: Any) -> None:
    instrument = caller.venue.instruments[row.order.symbol]
    if qty is not None and qty % instrument.step:
        raise invalid_request("Qty invalid")
    if any(each is not None and each % instrument.tick for each in (price, trigger)):
        raise invalid_request("Price invalid")


def _cancel(caller: Caller, row: OrderRow) -> None:
    order = row.order
    request = CancelOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        at=caller.venue.now(),
    )
    rejected = caller.account.apply(request)
    if rejected is not None:
        raise from_engine(rejected, category_of_symbol(order.symbol))
