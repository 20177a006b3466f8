"""Orders and executions of the OKX dialect over REST.

As at OKX, an order that cannot trade as requested (post-only that would take, no price) is accepted
and canceled immediately. A client id is refused only while an order with it is open; it identifies
the newest one.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

from loopback.exchange.caller import Caller
from loopback.exchange.late_fill import fill_after_cancel, is_resting
from loopback.exchange.numeric_ids import order_number, trade_number
from loopback.exchange.rows import OrderRow
from loopback.faults import FaultGroup
from loopback.formatting import Json, to_ms
from loopback.okx.algo_rows import is_algo, is_placed
from loopback.okx.errors import (
    ApiError,
    OrderError,
    amend_failed,
    cancel_failed,
    from_engine,
    order_missing,
)
from loopback.okx.order_json import execution_json, order_json, placed_ms
from loopback.okx.order_request import check_size, client_id_of, parse_order
from loopback.okx.params import (
    Params,
    is_of_type,
    order_instrument,
    parse_limit,
    parse_ms,
    parse_number,
    symbol_filter,
    to_base,
)
from oms.simulation.inputs import CancelOrder, ChangeOrder, NewOrder

CREATE, CREATE_BATCH = "/api/v5/trade/order", "/api/v5/trade/batch-orders"
CANCEL = "/api/v5/trade/cancel-order"
CREATE_FAULTS = ("partial", "reject", "child_orders")
_ACCEPTED_AND_CANCELED = frozenset({"post_only_would_take", "no_price"})
BATCH_ORDERS_MAX = 20
CANCEL_AFTER_SECONDS = range(10, 121)


def place_batch(caller: Caller, orders: Any) -> list[Any]:
    """Places up to 20 orders, each by itself."""
    place_one = partial(_place, path=CREATE_BATCH)
    return [_reply(place_one, caller, params) for params in _batch(orders)]


def place(caller: Caller, params: Any) -> list[Any]:
    """Places an order."""
    return [_reply(_place, caller, params)]


def cancel_batch(caller: Caller, orders: Any) -> list[Any]:
    """Cancels up to 20 orders, each by itself."""
    return [_reply(_cancel, caller, params) for params in _batch(orders)]


def cancel(caller: Caller, params: Any) -> list[Any]:
    """Cancels an order."""
    return [_reply(_cancel, caller, params)]


def cancel_all_after(caller: Caller, params: Any) -> list[Any]:
    """Cancels all pending orders in 10 to 120 s, unless it is set again; 0 switches it off."""
    text = str(params.get("timeOut", ""))
    if not text.isdigit() or int(text) not in (0, *CANCEL_AFTER_SECONDS):
        raise ApiError(51000, "Parameter timeOut error")
    now = caller.venue.now()
    end = now + timedelta(seconds=int(text)) if int(text) else None
    caller.account.cancel_at = end
    trigger = "0" if end is None else str(to_ms(end))
    return [{"triggerTime": trigger, "tag": "", "ts": str(to_ms(now))}]


def amend(caller: Caller, params: Any) -> list[Any]:
    """Changes price and size; the id is kept."""
    return [_reply(_amend, caller, params) | {"reqId": ""}]


def read_order(caller: Caller, params: Params) -> list[Any]:
    """Returns an order, open or closed."""
    row = _find_order(caller, params)
    if row is None:
        raise order_missing()
    return [order_json(caller.account, row)]


def pending(caller: Caller, params: Params) -> list[Any]:
    """Returns open orders, the newest first."""
    rows = [row for row in _rows(caller, params) if row.state.is_open]
    return [order_json(caller.account, row) for row in rows[: parse_limit(params)]]


def history(caller: Caller, params: Params) -> list[Any]:
    """Returns closed orders, the newest first; ``begin`` and ``end`` limit their creation."""
    if not params.get("instType"):
        raise ApiError(50014, "Parameter instType can not be empty")
    begin, end = parse_ms(params, "begin"), parse_ms(params, "end")
    bodies = [
        order_json(caller.account, row)
        for row in _rows(caller, params)
        if not row.state.is_open
        and (begin is None or placed_ms(row) >= begin)
        and (end is None or placed_ms(row) <= end)
    ]
    state = params.get("state")
    return [each for each in bodies if state in (None, "", each["state"])][: parse_limit(params)]


def fills(caller: Caller, params: Params) -> list[Any]:
    """Returns executions, the newest first; ``begin`` and ``end`` limit their time."""
    account, symbol = caller.account, symbol_filter(caller.venue, params)
    begin, end = parse_ms(params, "begin"), parse_ms(params, "end")
    order_id, after = str(params.get("ordId") or ""), parse_ms(params, "after")
    rows = [
        row
        for row in reversed(account.records.executions)
        if row.order is not None
        and is_of_type(params, row.trade.symbol)
        and symbol in (None, row.trade.symbol)
        and order_id in ("", str(order_number(account, row.order)))
        and (after is None or trade_number(account, row) < after)
        and (begin is None or to_ms(row.trade.executed_at) >= begin)
        and (end is None or to_ms(row.trade.executed_at) <= end)
    ]
    return [execution_json(account, row) for row in rows[: parse_limit(params)]]


def submit(caller: Caller, request: NewOrder, params: Params) -> OrderRow:
    """Places an order in the engine; returns its row. Raises ``OrderError``."""
    account = caller.account
    client_id = client_id_of(params)
    if client_id and any(row.order.client_id == client_id for row in account.open_orders()):
        raise OrderError(51016, "Client order ID already exists.")
    order_count = len(account.orders)
    rejected = account.apply(request, params=params)
    if rejected is not None:
        if rejected.code not in _ACCEPTED_AND_CANCELED:
            raise from_engine(rejected)
        account.record_canceled(request, params, rejected.code)
    return next(islice(account.orders.values(), order_count, None))


def cancel_row(caller: Caller, row: OrderRow) -> None:
    """Cancels an open order. Raises ``OrderError``."""
    order = row.order
    request = CancelOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        at=caller.venue.now(),
    )
    if caller.account.apply(request) is not None:
        raise cancel_failed()


def newest_match(rows: Iterable[OrderRow], matches: Callable[[OrderRow], bool]) -> OrderRow | None:
    """Returns the last row that matches."""
    return next((row for row in reversed(list(rows)) if matches(row)), None)


def take_create_fault(caller: Caller, path: str) -> Any:
    """Returns a fault of a new order. Raises ``OrderError`` for the one that rejects it."""
    fault = caller.faults.take(FaultGroup.MATCHING, path, caller.key, *CREATE_FAULTS)
    if fault is not None and fault.mode == "reject":
        code, message = int(fault.number("code", 51006)), "rejected by a fault"
        raise OrderError(code, fault.text("message", message))
    return fault


def _reply(action: Callable[[Caller, Params], OrderRow], caller: Caller, params: Any) -> Json:
    """The row of one order of a request."""
    fields: Json = params if isinstance(params, dict) else {}
    reply = {
        "clOrdId": str(fields.get("clOrdId", "")),
        "ordId": str(fields.get("ordId", "")),
        "tag": str(fields.get("tag", "")),
        "ts": str(to_ms(caller.venue.now())),
    }
    try:
        row = action(caller, fields)
    except OrderError as error:
        return reply | {"sCode": str(error.code), "sMsg": error.message}
    ids = {"ordId": str(order_number(caller.account, row)), "clOrdId": row.order.client_id}
    return reply | ids | {"sCode": "0", "sMsg": ""}


def _batch(orders: Any) -> list[Any]:
    if not isinstance(orders, list) or len(orders) > BATCH_ORDERS_MAX:
        raise ApiError(51111, f"Maximum {BATCH_ORDERS_MAX} orders can be placed in bulk")
    return orders


def _place(caller: Caller, params: Params, path: str = CREATE) -> OrderRow:
    instrument = order_instrument(caller.venue, params)
    fault = take_create_fault(caller, path)
    return submit(caller, parse_order(caller, instrument, params, fault), params)


def _cancel(caller: Caller, params: Params) -> OrderRow:
    row = _find_open(caller, params)
    if row is None:
        raise cancel_failed()
    fault = caller.faults.take(FaultGroup.MATCHING, CANCEL, caller.key, "late_fill")
    if fault is not None and is_resting(row):
        fill_after_cancel(caller.account, row, fault, caller.venue.now())
    else:
        cancel_row(caller, row)
    return row


def _amend(caller: Caller, params: Params) -> OrderRow:
    """A size below the executed quantity is refused; OKX would end the order as filled."""
    row = _find_open(caller, params)
    if row is None:
        raise amend_failed()
    order, instrument = row.order, order_instrument(caller.venue, params)
    size, price = parse_number(params, "newSz"), parse_number(params, "newPx")
    if size is None and price is None:
        raise OrderError(51500, "You must enter a price, quantity, or TP/SL")
    if size is not None:
        check_size(instrument, size)
    request = ChangeOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        price=price,
        qty=None if size is None else to_base(instrument, size),
        at=caller.venue.now(),
    )
    rejected = caller.account.apply(request)
    if rejected is not None:
        raise from_engine(rejected)
    return row


def _find_open(caller: Caller, params: Params) -> OrderRow | None:
    row = _find_order(caller, params)
    return row if row is not None and row.state.is_open else None


def _find_order(caller: Caller, params: Params) -> OrderRow | None:
    """The order of an order id, else the newest one of a client id."""
    account, symbol = caller.account, order_instrument(caller.venue, params).symbol
    order_id, client_id = str(params.get("ordId") or ""), str(params.get("clOrdId") or "")

    def matches(row: OrderRow) -> bool:
        if order_id:
            return str(order_number(account, row)) == order_id
        return bool(client_id) and row.order.client_id == client_id and not is_algo(row)

    placed = (r for r in account.orders.values() if r.order.symbol == symbol and is_placed(r))
    return newest_match(placed, matches)


def _rows(caller: Caller, params: Params) -> list[OrderRow]:
    """The ordinary orders that match the filters of a list, the newest first."""
    symbol, account = symbol_filter(caller.venue, params), caller.account
    types = [name for name in str(params.get("ordType") or "").split(",") if name]
    after = parse_ms(params, "after")
    rows = [
        row
        for row in reversed(list(account.orders.values()))
        if is_placed(row)
        and is_of_type(params, row.order.symbol)
        and symbol in (None, row.order.symbol)
        and (after is None or order_number(account, row) < after)
    ]
    return [row for row in rows if not types or order_json(account, row)["ordType"] in types]
