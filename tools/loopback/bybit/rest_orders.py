"""Orders of the Bybit dialect by REST: create, amend, cancel, and what is read of them.

An order that could not trade as wished (post-only that would take, no price) is taken and told as
canceled, as Bybit does; what breaks a rule is refused with a code.
"""

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from loopback.bybit.errors import Refusal, bad, not_found, of_engine
from loopback.bybit.names import category_in, category_of, instrument_in, limit_in, number_in
from loopback.bybit.pages import in_time, page
from loopback.bybit.shapes import execution_json, is_conditional, order_json
from loopback.bybit.wishes import place_of
from loopback.faults import Group
from loopback.late import fill_after_cancel, rests
from loopback.rows import Exit, OrderRow, Origin
from loopback.words import Json, ms
from oms.simulation.inputs import Cancel, Change

if TYPE_CHECKING:
    from loopback.bybit.gateway import Caller

CREATE, CANCEL = "/v5/order/create", "/v5/order/cancel"
_TAKEN_ANYWAY = frozenset({"post_only_would_take", "no_price"})
_CLOSED_SHOWN_MAX = 500


def create(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Place an order."""
    category = category_in(params)
    instrument = instrument_in(caller.venue.instruments, category, params)
    fault = caller.gate.faults.take(Group.MATCHING, CREATE, caller.key, *_AT_CREATE)
    if fault is not None and fault.mode == "reject":
        raise Refusal(int(fault.number("code", 110003)), fault.word("message", "as was asked for"))
    account = caller.account
    place = place_of(caller, instrument, params, fault)
    made = len(account.orders)
    rejected = account.do(place, wish=params)
    if rejected is not None:
        if rejected.code not in _TAKEN_ANYWAY:
            rises = str(params.get("triggerDirection")) == "1"
            raise of_engine(rejected, category, rises=rises)
        account.refused(place, params, rejected.code)
    row = next(islice(account.orders.values(), made, None))
    return {"orderId": row.order_id, "orderLinkId": str(params.get("orderLinkId") or "")}


_AT_CREATE = ("partial", "reject", "child_orders")


def amend(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Change price, quantity or trigger; the id stays."""
    category = category_in(params)
    row = _open_row(caller, params, category, "replace")
    order = row.order
    if params.get("takeProfit") or params.get("stopLoss"):
        raise bad("takeProfit and stopLoss of an order cannot be amended here")
    qty, price, trigger = (number_in(params, name) for name in ("qty", "price", "triggerPrice"))
    if row.exit is Exit.TAKE_PROFIT and row.origin is Origin.ATTACHED:
        price, trigger = trigger, None
    asked = {order.qty: qty, order.price: price, order.terms.trigger_price: trigger}
    if all(new is None or new == old for old, new in asked.items()):
        raise bad("The order remains unchanged as the parameters entered match the existing ones.")
    _on_grid(caller, row, qty, price, trigger)
    change = Change(
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
        raise of_engine(rejected, category)
    return {"orderId": row.order_id, "orderLinkId": order.client_id}


def cancel(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Cancel an order."""
    category = category_in(params)
    row = _open_row(caller, params, category, "cancel")
    if category == "spot":
        wanted = str(params.get("orderFilter") or "Order")
        if (wanted == "Order") is is_conditional(row) and row.origin is Origin.USER:
            raise not_found(category)
    fault = caller.gate.faults.take(Group.MATCHING, CANCEL, caller.key, "late_fill")
    if fault is not None and rests(row):
        fill_after_cancel(caller.account, row, fault, caller.venue.now())
    else:
        _cancel(caller, row)
    return {"orderId": row.order_id, "orderLinkId": row.order.client_id}


def cancel_all(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Cancel all orders of a category, a symbol, or a coin."""
    category = category_in(params)
    rows = [row for row in caller.account.open_orders() if _is_meant(caller, row, params, category)]
    done = []
    for row in rows:
        if caller.account.orders[row.order_id].state.is_open:
            _cancel(caller, row)
        done.append({"orderId": row.order_id, "orderLinkId": row.order.client_id})
    return {"list": done, "success": "1"}


def realtime(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Open orders; by id the last closed ones too; with ``openOnly=1`` these alone."""
    category = category_in(params)
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
    category = category_in(params)
    rows = [
        row
        for row in caller.account.orders.values()
        if not row.state.is_open and _is_meant(caller, row, params, category)
    ]
    wanted = str(params.get("orderStatus") or "")
    rows = [row for row in rows if wanted in ("", order_json(row)["orderStatus"])]
    now_ms = ms(caller.venue.now())
    return _orders_page(
        in_time(rows, params, now_ms, lambda row: ms(row.created_at)), params, category
    )


def executions(caller: "Caller", params: Mapping[str, Any]) -> Json:
    """Executions, the newest first."""
    category = category_in(params)
    symbol = _symbol(caller, params, category)
    wanted = str(params.get("execType") or "")
    order_id, link = params.get("orderId"), params.get("orderLinkId")
    rows = [
        row
        for row in caller.account.records.executions
        if category_of(row.trade.symbol) == category
        and (symbol is None or row.trade.symbol == symbol)
        and (not order_id or (row.order is not None and row.order.order_id == order_id))
        and (not link or row.trade.client_id == link)
    ]
    rows = in_time(rows, params, ms(caller.venue.now()), lambda row: ms(row.trade.executed_at))
    told = [json for json in map(execution_json, rows) if wanted in ("", json["execType"])]
    shown, cursor = page(told, params, limit_in(params, 50, 100))
    return {"category": category, "list": shown, "nextPageCursor": cursor}


def _orders_page(rows: list[OrderRow], params: Mapping[str, Any], category: str) -> Json:
    shown, cursor = page(rows, params, limit_in(params, 20, 50))
    return {
        "category": category,
        "list": [order_json(row) for row in shown],
        "nextPageCursor": cursor,
    }


def _symbol(caller: "Caller", params: Mapping[str, Any], category: str) -> str | None:
    if not params.get("symbol"):
        return None
    return instrument_in(caller.venue.instruments, category, params).symbol


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
        category_of(order.symbol) == category
        and _symbol(caller, params, category) in (None, order.symbol)
        and all(params.get(name) in (None, "", each) for name, each in wanted.items())
        and (not kind or (kind != "Order") is is_conditional(row))
    )


def _open_row(caller: "Caller", params: Mapping[str, Any], category: str, word: str) -> OrderRow:
    """The open order that a request names. Raises ``Refusal``."""
    instrument = instrument_in(caller.venue.instruments, category, params)
    order_id, link = params.get("orderId"), params.get("orderLinkId")
    if not order_id and not link:
        raise bad("params error: OrderId or orderLinkId is required")
    row = caller.account.records.order_named(instrument.symbol, order_id, link)
    if row is None or not row.state.is_open:
        raise not_found(category, word)
    return row


def _on_grid(caller: "Caller", row: OrderRow, qty: Any, price: Any, trigger: Any) -> None:
    instrument = caller.venue.instruments[row.order.symbol]
    if qty is not None and qty % instrument.step:
        raise bad("Qty invalid")
    if any(each is not None and each % instrument.tick for each in (price, trigger)):
        raise bad("Price invalid")


def _cancel(caller: "Caller", row: OrderRow) -> None:
    order = row.order
    wish = Cancel(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        at=caller.venue.now(),
    )
    rejected = caller.account.do(wish)
    if rejected is not None:
        raise of_engine(rejected, category_of(order.symbol))
