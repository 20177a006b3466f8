"""Orders of the Binance dialect: new, changed, replaced, canceled, and what is read of them.

A client id is refused only while an order of that name is open: once it is over, the name may be
used again, and then means the newest.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

from loopback.binance.errors import ApiError, from_engine, missing_parameter
from loopback.binance.order_json import (
    algo_json,
    algo_number,
    fill_json,
    is_conditional,
    is_ordinary,
    is_spot,
    order_json,
    order_number,
    trade_json,
    trade_number,
)
from loopback.binance.order_request import parse_client_order_id, parse_order
from loopback.binance.params import Caller, Params, parse_limit, parse_number
from loopback.exchange.late_fill import fill_after_cancel, is_resting
from loopback.exchange.rows import OrderRow, OrderState
from loopback.formatting import Json, to_ms
from loopback.server.faults import FaultGroup
from oms.simulation.inputs import CancelOrder, ChangeOrder

_AT_CREATE = ("partial", "reject", "child_orders")
_DAY_MS = 86_400_000


def create(caller: Caller, params: Params) -> Any:
    """A new order; its fills stand in the answer."""
    row = _place(caller, params, algo=False)
    account, told = caller.account, order_json(caller.account, row)
    if not caller.spot:
        return told | {"cumQty": told["executedQty"]}
    made = [
        fill_json(account, each)
        for each in account.records.executions
        if each.order is not None and each.order.order_id == row.order_id
    ]
    return told | {"transactTime": to_ms(row.updated_at), "fills": made}


def create_algo_order(caller: Caller, params: Params) -> Any:
    """A new conditional order of a contract."""
    return algo_json(caller.account, _place(caller, params, algo=True))


def read_order(caller: Caller, params: Params) -> Any:
    """One order, open or over."""
    return order_json(caller.account, _named(caller, params, is_ordinary, -2013))


def read_algo_order(caller: Caller, params: Params) -> Any:
    """One conditional order of a contract."""
    return algo_json(caller.account, _named(caller, params, is_conditional, -2013))


def cancel(caller: Caller, params: Params, *, is_judged: bool = False) -> Any:
    """Cancel an order; one that was judged by what is executed of it is not filled meanwhile."""
    row = _named(caller, params, is_ordinary, -2011)
    late = None
    if not is_judged:
        what = _matched(caller, "/order")
        late = caller.gate.faults.take(FaultGroup.MATCHING, what, caller.key, "late_fill")
    if late is None or not is_resting(row):
        return order_json(caller.account, _cancel(caller, row))
    fill_after_cancel(caller.account, row, late, caller.venue.now())
    return order_json(caller.account, row) | {"status": "CANCELED"}


def cancel_algo_order(caller: Caller, params: Params) -> Any:
    """Cancel a conditional order that waits."""
    row = _named(caller, params, is_conditional, -2011)
    if is_ordinary(row):
        raise ApiError(-2011, "Unknown order sent.")
    row = _cancel(caller, row)
    account = caller.account
    name = {"algoId": algo_number(account, row), "clientAlgoId": row.order.client_id}
    return name | {"code": "200", "msg": "success"}


def cancel_all(caller: Caller, params: Params) -> Any:
    """Cancel the open orders of a symbol."""
    symbol = caller.instrument(params).symbol
    done = []
    for row in _rows(caller, is_ordinary, symbol):
        if caller.account.orders[row.order_id].state.is_open:
            done.append(order_json(caller.account, _cancel(caller, row)))
    if caller.spot:
        return done
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def amend(caller: Caller, params: Params) -> Any:
    """Another quantity and price of a contract's limit order; the id stays."""
    row = _named(caller, params, is_ordinary, -2013)
    qty, price = (parse_number(params, name) for name in ("quantity", "price"))
    if (qty or row.order.qty) == row.order.qty and (price or row.order.price) == row.order.price:
        raise ApiError(-5027, "No need to modify the order.")
    order = row.order
    wish = ChangeOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        price=price,
        qty=qty,
        at=caller.venue.now(),
    )
    if not row.state.is_open:
        raise ApiError(-2013, "Order does not exist.")
    rejected = caller.account.do(wish)
    if rejected is not None:
        raise from_engine(rejected, spot=False)
    return order_json(caller.account, caller.account.orders[row.order_id])


def cancel_replace(caller: Caller, params: Params) -> Any:
    """Cancel, and place another: with STOP_ON_FAILURE nothing is placed if nothing was canceled."""
    names = {
        "orderId": params.get("cancelOrderId"),
        "origClientOrderId": params.get("cancelOrigClientOrderId"),
        "symbol": params.get("symbol"),
    }
    try:
        _judge_restrictions(caller, params, names)
        canceled = cancel(caller, names, is_judged="cancelRestrictions" in params)
    except ApiError as refused:
        told = {"code": refused.code, "msg": refused.message}
        raise _half(-2022, "FAILURE", "NOT_ATTEMPTED", told, None) from None
    try:
        made = create(caller, params)
    except ApiError as refused:
        told = {"code": refused.code, "msg": refused.message}
        raise _half(-2021, "SUCCESS", "FAILURE", canceled, told) from None
    return {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": canceled,
        "newOrderResponse": made,
    }


def _judge_restrictions(caller: Caller, params: Params, names: Params) -> None:
    """Whether what was executed of the order allows that it is replaced. Raises ``Refusal``."""
    told = params.get("cancelRestrictions")
    if told is None:
        return
    if told not in ("ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
        raise ApiError(-1145, "Invalid cancelRestrictions")
    row = _named(caller, names, is_ordinary, -2011)
    if (row.filled == 0) is not (told == "ONLY_NEW"):
        raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")


class PartialCancelReplace(ApiError):
    """A cancel-replace that was done by half, or not at all."""

    def __init__(self, code: int, message: str, data: Json, status: int) -> None:
        super().__init__(code, message, status)
        self.data = data


def _half(
    code: int, canceled: str, made: str, cancel_told: Json, made_told: Json | None
) -> PartialCancelReplace:
    words = "Order cancel-replace partially failed." if canceled == "SUCCESS" else ""
    data = {
        "cancelResult": canceled,
        "newOrderResult": made,
        "cancelResponse": cancel_told,
        "newOrderResponse": made_told,
    }
    status = 409 if canceled == "SUCCESS" else 400
    return PartialCancelReplace(code, words or "Order cancel-replace failed.", data, status)


def open_orders(caller: Caller, params: Params) -> Any:
    """Open orders of a symbol, or of all."""
    rows = _rows(caller, is_ordinary, _symbol(caller, params))
    return [order_json(caller.account, row) for row in rows if row.state.is_open]


def open_algo_orders(caller: Caller, params: Params) -> Any:
    """Conditional orders of contracts that wait."""
    rows = _rows(caller, is_conditional, _symbol(caller, params))
    waiting = [row for row in rows if row.state is OrderState.UNTRIGGERED]
    return [algo_json(caller.account, row) for row in waiting]


def all_orders(caller: Caller, params: Params) -> Any:
    """Orders of a symbol, open and over, the oldest first."""
    account, symbol = caller.account, caller.instrument(params).symbol
    rows = _rows(caller, is_ordinary, symbol)
    first = int(params.get("orderId") or 0)
    if first:
        rows = [row for row in rows if order_number(account, row) >= first]
    start, end = _window(params, 1 if caller.spot else 7)
    rows = [row for row in rows if start <= to_ms(row.created_at) <= end]
    most = parse_limit(params, 500, 1000)
    rows = rows[:most] if first or start else rows[-most:]
    return [order_json(account, row) for row in rows]


def my_trades(caller: Caller, params: Params) -> Any:
    """Executions of a symbol, the oldest first."""
    account, symbol = caller.account, caller.instrument(params).symbol
    order_id, first = str(params.get("orderId") or ""), int(params.get("fromId") or 0)
    start, end = _window(params, 1 if caller.spot else 7)
    rows = [
        row
        for row in account.records.executions
        if row.trade.symbol == symbol
        and row.order is not None
        and (not order_id or str(order_number(account, row.order)) == order_id)
        and trade_number(account, row) >= first
        and start <= to_ms(row.trade.executed_at) <= end
    ]
    most = parse_limit(params, 500, 1000)
    rows = rows[:most] if first or start else rows[-most:]
    return [trade_json(account, row) for row in rows]


def _place(caller: Caller, params: Params, *, algo: bool) -> OrderRow:
    instrument = caller.instrument(params)
    fault = caller.gate.faults.take(
        FaultGroup.MATCHING,
        _matched(caller, "/algoOrder" if algo else "/order"),
        caller.key,
        *_AT_CREATE,
    )
    if fault is not None and fault.mode == "reject":
        raise ApiError(int(fault.number("code", -2010)), fault.word("message", "as was asked for"))
    name = parse_client_order_id(params)
    if name and any(row.order.client_id == name for row in _open(caller)):
        if caller.spot:
            raise ApiError(-2010, "Duplicate order sent.")
        raise ApiError(-4116, "ClientOrderId is duplicated.")
    account = caller.account
    place = parse_order(caller, instrument, params, fault, algo=algo)
    made = len(account.orders)
    rejected = account.do(place, wish=params)
    if rejected is not None:
        if rejected.code != "no_price":
            raise from_engine(rejected, spot=caller.spot)
        account.refused(place, params, rejected.code)
    return next(islice(account.orders.values(), made, None))


def _matched(caller: Caller, path: str) -> str:
    return f"/api/v3{path}" if caller.spot else f"/fapi/v1{path}"


def _open(caller: Caller) -> list[OrderRow]:
    rows = caller.account.open_orders()
    return [row for row in rows if is_spot(row.order.symbol) is caller.spot]


def _rows(
    caller: Caller, is_meant: Callable[[OrderRow], bool], symbol: str | None
) -> list[OrderRow]:
    return [
        row
        for row in caller.account.orders.values()
        if is_spot(row.order.symbol) is caller.spot
        and is_meant(row)
        and symbol in (None, row.order.symbol)
    ]


def _symbol(caller: Caller, params: Params) -> str | None:
    return caller.instrument(params).symbol if params.get("symbol") else None


def _named(
    caller: Caller, params: Params, is_meant: Callable[[OrderRow], bool], code: int
) -> OrderRow:
    """The order of an id, else the newest of a client id. Raises ``Refusal``."""
    number = str(params.get("orderId") or params.get("algoId") or "")
    name = str(params.get("origClientOrderId") or params.get("clientAlgoId") or "")
    if not number and not name:
        raise missing_parameter("orderId")
    symbol = _symbol(caller, params)
    number_of = algo_number if is_meant is is_conditional else order_number
    for row in reversed(_rows(caller, is_meant, symbol)):
        found = str(number_of(caller.account, row)) if number else row.order.client_id
        if found == (number or name):
            return row
    message = "Unknown order sent." if code == -2011 else "Order does not exist."
    raise ApiError(code, message)


def _cancel(caller: Caller, row: OrderRow) -> OrderRow:
    order = row.order
    if not row.state.is_open:
        raise ApiError(-2011, "Unknown order sent.")
    wish = CancelOrder(
        client_id=order.client_id,
        exchange_order_id=order.exchange_order_id,
        symbol=order.symbol,
        at=caller.venue.now(),
    )
    rejected = caller.account.do(wish)
    if rejected is not None:
        raise from_engine(rejected, spot=caller.spot)
    return caller.account.orders[row.order_id]


def _window(params: Params, days: int) -> tuple[int, int]:
    """Start and end that are asked for. Raises ``Refusal`` for more than ``days``."""
    start, end = (int(params.get(name) or 0) for name in ("startTime", "endTime"))
    if start and end and end - start > days * _DAY_MS:
        raise ApiError(-1127, f"More than {days * 24} hours between startTime and endTime.")
    if start and not end:
        return start, start + days * _DAY_MS
    return start or max(end - days * _DAY_MS, 0), end or 2**53
