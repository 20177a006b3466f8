"""Orders and trades of the Binance dialect over REST.

A client id is rejected only while an order with it is open; later it may be used again, and then
identifies the newest order.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from typing import Any

from loopback.binance.errors import ApiError, from_engine, missing_parameter
from loopback.binance.order_json import (
    algo_json,
    fill_json,
    is_conditional,
    is_ordinary,
    is_spot,
    order_json,
    trade_json,
)
from loopback.binance.order_request import parse_client_order_id, parse_order
from loopback.binance.params import Caller, Params, parse_limit, parse_number
from loopback.exchange.late_fill import fill_after_cancel, is_resting
from loopback.exchange.numeric_ids import algo_number, order_number, trade_number
from loopback.exchange.rows import OrderRow, OrderState
from loopback.faults import FaultGroup
from loopback.formatting import Json, to_ms
from oms.simulation.inputs import CancelOrder, ChangeOrder

_CREATE_FAULTS = ("partial", "reject", "child_orders")
_DAY_MS = 86_400_000
_CONTRACT_DAYS = 7
_BATCH_MAX = 5


def create(caller: Caller, params: Params) -> Any:
    """Places an order; the response contains its fills."""
    row = _place(caller, params, algo=False)
    account, body = caller.account, order_json(caller.account, row)
    if not caller.spot:
        return body | {"cumQty": body["executedQty"]}
    fills = [
        fill_json(account, each)
        for each in account.records.executions
        if each.order is not None and each.order.order_id == row.order_id
    ]
    return body | {"transactTime": to_ms(row.updated_at), "fills": fills}


def create_batch(caller: Caller, params: Params) -> Any:
    """Places up to five orders of contracts; each is answered by its order or its error."""
    orders = batch_orders(params)
    if not 0 < len(orders) <= _BATCH_MAX:
        raise ApiError(-4082, "Invalid number of batch place orders.")
    replies = []
    for order in orders:
        try:
            replies.append(create(caller, order))
        except ApiError as error:
            replies.append({"code": error.code, "msg": error.message})
    return replies


def batch_orders(params: Params) -> list[Params]:
    """Returns the orders of a batch, with their parameters as text. Raises ``ApiError``."""
    try:
        orders = json.loads(str(params.get("batchOrders") or "[]"))
        return [{name: _text(each) for name, each in row.items()} for row in orders]
    except (ValueError, AttributeError, TypeError):
        raise missing_parameter("batchOrders") from None


def _text(field: Any) -> str:
    return field if isinstance(field, str) else json.dumps(field)


def create_algo_order(caller: Caller, params: Params) -> Any:
    """Places a conditional order of a contract."""
    return algo_json(caller.account, _place(caller, params, algo=True))


def read_order(caller: Caller, params: Params) -> Any:
    """Returns an order, open or closed."""
    return order_json(caller.account, _find_order(caller, params, is_ordinary, -2013))


def read_algo_order(caller: Caller, params: Params) -> Any:
    """Returns a conditional order of a contract."""
    return algo_json(caller.account, _find_order(caller, params, is_conditional, -2013))


def cancel(caller: Caller, params: Params, *, has_restrictions: bool = False) -> Any:
    """Cancels an order; with checked cancel restrictions the late fill fault does not apply."""
    row = _find_order(caller, params, is_ordinary, -2011)
    late = None
    if not has_restrictions:
        path = _fault_path(caller, "/order")
        late = caller.faults.take(FaultGroup.MATCHING, path, caller.key, "late_fill")
    if late is None or not is_resting(row):
        return order_json(caller.account, _cancel(caller, row))
    fill_after_cancel(caller.account, row, late, caller.venue.now())
    return order_json(caller.account, row) | {"status": "CANCELED"}


def cancel_algo_order(caller: Caller, params: Params) -> Any:
    """Cancels a conditional order before its trigger."""
    row = _find_order(caller, params, is_conditional, -2011)
    if is_ordinary(row):
        raise ApiError(-2011, "Unknown order sent.")
    row = _cancel(caller, row)
    account = caller.account
    ids = {"algoId": algo_number(account, row), "clientAlgoId": row.order.client_id}
    return ids | {"code": "200", "msg": "success"}


def cancel_all(caller: Caller, params: Params) -> Any:
    """Cancels the open orders of a symbol."""
    symbol = caller.instrument(params).symbol
    canceled = []
    for row in _rows(caller, is_ordinary, symbol):
        if caller.account.orders[row.order_id].state.is_open:
            canceled.append(order_json(caller.account, _cancel(caller, row)))
    if caller.spot:
        return canceled
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def count_down(caller: Caller, params: Params) -> Any:
    """Cancels the orders of a contract in some milliseconds, unless it is set again; 0: off."""
    symbol, text = caller.instrument(params).symbol, str(params.get("countdownTime", ""))
    if not text.isdigit():
        raise missing_parameter("countdownTime")
    if int(text):
        end = caller.venue.now() + timedelta(milliseconds=int(text))
        caller.account.symbol_cancel_at[symbol] = end
    else:
        caller.account.symbol_cancel_at.pop(symbol, None)
    return {"symbol": str(params.get("symbol")), "countdownTime": text}


def amend(caller: Caller, params: Params) -> Any:
    """Changes quantity and price of a contract's limit order; the id is kept."""
    row = _find_order(caller, params, is_ordinary, -2013)
    qty, price = (parse_number(params, name) for name in ("quantity", "price"))
    if (qty or row.order.qty) == row.order.qty and (price or row.order.price) == row.order.price:
        raise ApiError(-5027, "No need to modify the order.")
    order = row.order
    request = ChangeOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        price=price,
        qty=qty,
        at=caller.venue.now(),
    )
    if not row.state.is_open:
        raise ApiError(-2013, "Order does not exist.")
    rejected = caller.account.apply(request)
    if rejected is not None:
        raise from_engine(rejected, spot=False)
    return order_json(caller.account, caller.account.orders[row.order_id])


def cancel_replace(caller: Caller, params: Params) -> Any:
    """Cancels an order and places another one, the latter only if the cancel succeeds."""
    cancel_params = {
        "orderId": params.get("cancelOrderId"),
        "origClientOrderId": params.get("cancelOrigClientOrderId"),
        "symbol": params.get("symbol"),
    }
    try:
        _check_restrictions(caller, params, cancel_params)
        canceled = cancel(caller, cancel_params, has_restrictions="cancelRestrictions" in params)
    except ApiError as error:
        failure = {"code": error.code, "msg": error.message}
        raise _cancel_replace_error(-2022, "FAILURE", "NOT_ATTEMPTED", failure, None) from None
    try:
        created = create(caller, params)
    except ApiError as error:
        failure = {"code": error.code, "msg": error.message}
        raise _cancel_replace_error(-2021, "SUCCESS", "FAILURE", canceled, failure) from None
    return {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": canceled,
        "newOrderResponse": created,
    }


def _check_restrictions(caller: Caller, params: Params, cancel_params: Params) -> None:
    """Checks the cancel restrictions of a cancel-replace. Raises ``ApiError``."""
    restriction = params.get("cancelRestrictions")
    if restriction is None:
        return
    if restriction not in ("ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
        raise ApiError(-1145, "Invalid cancelRestrictions")
    row = _find_order(caller, cancel_params, is_ordinary, -2011)
    if (row.filled == 0) is not (restriction == "ONLY_NEW"):
        raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")


class PartialCancelReplace(ApiError):
    """The error of a cancel-replace of which one or both parts failed."""

    def __init__(self, code: int, message: str, data: Json, status: int) -> None:
        super().__init__(code, message, status)
        self.data = data


def _cancel_replace_error(
    code: int, cancel_result: str, new_result: str, cancel_body: Json, new_body: Json | None
) -> PartialCancelReplace:
    message = "Order cancel-replace partially failed." if cancel_result == "SUCCESS" else ""
    data = {
        "cancelResult": cancel_result,
        "newOrderResult": new_result,
        "cancelResponse": cancel_body,
        "newOrderResponse": new_body,
    }
    status = 409 if cancel_result == "SUCCESS" else 400
    return PartialCancelReplace(code, message or "Order cancel-replace failed.", data, status)


def open_orders(caller: Caller, params: Params) -> Any:
    """Returns open orders of one or all symbols."""
    rows = _rows(caller, is_ordinary, _symbol(caller, params))
    return [order_json(caller.account, row) for row in rows if row.state.is_open]


def open_algo_orders(caller: Caller, params: Params) -> Any:
    """Returns conditional orders of contracts before their trigger."""
    rows = _rows(caller, is_conditional, _symbol(caller, params))
    waiting = [row for row in rows if row.state is OrderState.UNTRIGGERED]
    return [algo_json(caller.account, row) for row in waiting]


def all_orders(caller: Caller, params: Params) -> Any:
    """Returns open and closed orders of a symbol, the oldest first."""
    account, symbol = caller.account, caller.instrument(params).symbol
    rows = _rows(caller, is_ordinary, symbol)
    first = int(params.get("orderId") or 0)
    if first:
        rows = [row for row in rows if order_number(account, row) >= first]
    start, end = _list_window(caller, params, first)
    rows = [row for row in rows if start <= to_ms(row.created_at) <= end]
    row_count = parse_limit(params, 500, 1000)
    rows = rows[:row_count] if first or _has_times(params) else rows[-row_count:]
    return [order_json(account, row) for row in rows]


def my_trades(caller: Caller, params: Params) -> Any:
    """Returns executions of a symbol, the oldest first."""
    account, symbol = caller.account, caller.instrument(params).symbol
    order_id, first = str(params.get("orderId") or ""), int(params.get("fromId") or 0)
    start, end = _list_window(caller, params, first)
    rows = [
        row
        for row in account.records.executions
        if row.trade.symbol == symbol
        and row.order is not None
        and (not order_id or str(order_number(account, row.order)) == order_id)
        and trade_number(account, row) >= first
        and start <= to_ms(row.trade.executed_at) <= end
    ]
    row_count = parse_limit(params, 500, 1000)
    rows = rows[:row_count] if first or _has_times(params) else rows[-row_count:]
    return [trade_json(account, row) for row in rows]


def _place(caller: Caller, params: Params, *, algo: bool) -> OrderRow:
    instrument = caller.instrument(params)
    fault = caller.faults.take(
        FaultGroup.MATCHING,
        _fault_path(caller, "/algoOrder" if algo else "/order"),
        caller.key,
        *_CREATE_FAULTS,
    )
    if fault is not None and fault.mode == "reject":
        raise ApiError(
            int(fault.number("code", -2010)), fault.text("message", "rejected by a fault")
        )
    client_id = parse_client_order_id(params)
    if client_id and any(row.order.client_id == client_id for row in _open_orders(caller)):
        if caller.spot:
            raise ApiError(-2010, "Duplicate order sent.")
        raise ApiError(-4116, "ClientOrderId is duplicated.")
    account = caller.account
    request = parse_order(caller, instrument, params, fault, algo=algo)
    order_count = len(account.orders)
    rejected = account.apply(request, params=params)
    if rejected is not None:
        if rejected.code != "no_price":
            raise from_engine(rejected, spot=caller.spot)
        account.record_canceled(request, params, rejected.code)
    return next(islice(account.orders.values(), order_count, None))


def _fault_path(caller: Caller, path: str) -> str:
    return f"/api/v3{path}" if caller.spot else f"/fapi/v1{path}"


def _open_orders(caller: Caller) -> list[OrderRow]:
    rows = caller.account.open_orders()
    return [row for row in rows if is_spot(row.order.symbol) is caller.spot]


def _rows(
    caller: Caller, predicate: Callable[[OrderRow], bool], symbol: str | None
) -> list[OrderRow]:
    return [
        row
        for row in caller.account.orders.values()
        if is_spot(row.order.symbol) is caller.spot
        and predicate(row)
        and symbol in (None, row.order.symbol)
    ]


def _symbol(caller: Caller, params: Params) -> str | None:
    return caller.instrument(params).symbol if params.get("symbol") else None


def _find_order(
    caller: Caller, params: Params, predicate: Callable[[OrderRow], bool], code: int
) -> OrderRow:
    """Returns the order of an id, else the newest one of a client id. Raises ``ApiError``."""
    number = str(params.get("orderId") or params.get("algoId") or "")
    name = str(params.get("origClientOrderId") or params.get("clientAlgoId") or "")
    if not number and not name:
        raise missing_parameter("orderId")
    symbol = _symbol(caller, params)
    number_of = algo_number if predicate is is_conditional else order_number
    for row in reversed(_rows(caller, predicate, symbol)):
        row_id = str(number_of(caller.account, row)) if number else row.order.client_id
        if row_id == (number or name):
            return row
    message = "Unknown order sent." if code == -2011 else "Order does not exist."
    raise ApiError(code, message)


def _cancel(caller: Caller, row: OrderRow) -> OrderRow:
    order = row.order
    if not row.state.is_open:
        raise ApiError(-2011, "Unknown order sent.")
    request = CancelOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        at=caller.venue.now(),
    )
    rejected = caller.account.apply(request)
    if rejected is not None:
        raise from_engine(rejected, spot=caller.spot)
    return caller.account.orders[row.order_id]


def _list_window(caller: Caller, params: Params, first: int) -> tuple[int, int]:
    """Returns the window of a list; that of contracts has the last days without times and id."""
    days = 1 if caller.spot else _CONTRACT_DAYS
    start, end = _window(params, days)
    if not (caller.spot or first or _has_times(params)):
        start = to_ms(caller.venue.now()) - days * _DAY_MS
    return start, end


def _has_times(params: Params) -> bool:
    return bool(params.get("startTime") or params.get("endTime"))


def _window(params: Params, days: int) -> tuple[int, int]:
    """Returns start and end of the requested window. Raises ``ApiError`` beyond ``days``."""
    start, end = (int(params.get(name) or 0) for name in ("startTime", "endTime"))
    if start and end and end - start > days * _DAY_MS:
        raise ApiError(-1127, f"More than {days * 24} hours between startTime and endTime.")
    if start and not end:
        return start, start + days * _DAY_MS
    return start or max(end - days * _DAY_MS, 0), end or 2**53
