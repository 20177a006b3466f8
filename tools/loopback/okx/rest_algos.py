"""Algo orders of the OKX dialect over REST: trigger orders, stop losses, take profits.

An attached take profit and stop loss are one algo order of the type ``oco``, named by its stop.
"""

from typing import Any

from loopback.exchange.caller import Caller
from loopback.exchange.numeric_ids import algo_number
from loopback.exchange.rows import OrderRow
from loopback.formatting import Json
from loopback.okx.algo_json import algo_json, algo_state, algo_type
from loopback.okx.algo_rows import find_partner, is_algo, is_hidden, is_placed
from loopback.okx.errors import ApiError, OrderError, cancel_failed, order_missing
from loopback.okx.order_request import parse_algo_order
from loopback.okx.params import (
    Params,
    is_of_type,
    order_instrument,
    parse_limit,
    parse_ms,
    symbol_filter,
)
from loopback.okx.rest_orders import (
    cancel_row,
    newest_match,
    submit,
    take_create_fault,
)

CREATE = "/api/v5/trade/order-algo"
CANCELED_MAX = 10


def place(caller: Caller, params: Any) -> list[Any]:
    """Places an algo order."""
    fields: Json = params if isinstance(params, dict) else {}
    reply = {"algoId": "", "clOrdId": "", "algoClOrdId": "", "tag": str(fields.get("tag", ""))}
    try:
        instrument = order_instrument(caller.venue, fields)
        fault = take_create_fault(caller, CREATE)
        row = submit(caller, parse_algo_order(caller, instrument, fields, fault), fields)
    except OrderError as error:
        return [reply | {"sCode": str(error.code), "sMsg": error.message}]
    ids = {
        "algoId": str(algo_number(caller.account, row)),
        "clOrdId": str(fields.get("clOrdId", "")),
        "algoClOrdId": row.order.client_id,
    }
    return [reply | ids | {"sCode": "0", "sMsg": ""}]


def cancel(caller: Caller, orders: Any) -> list[Any]:
    """Cancels up to 10 algo orders before their trigger."""
    if not isinstance(orders, list) or len(orders) > CANCELED_MAX:
        raise ApiError(51111, f"Maximum {CANCELED_MAX} orders can be canceled in bulk")
    return [_cancel(caller, fields if isinstance(fields, dict) else {}) for fields in orders]


def read_order(caller: Caller, params: Params) -> list[Any]:
    """Returns an algo order, waiting or ended."""
    row = _find_algo(caller, params)
    if row is None:
        raise order_missing()
    return [algo_json(caller.account, row)]


def pending(caller: Caller, params: Params) -> list[Any]:
    """Returns waiting algo orders of the types of the request, the newest first."""
    rows = [row for row in _rows(caller, params) if algo_state(caller.account, row) == "live"]
    return [algo_json(caller.account, row) for row in rows[: parse_limit(params)]]


def history(caller: Caller, params: Params) -> list[Any]:
    """Returns ended algo orders of a state, or one by its id."""
    state, algo_id = params.get("state"), str(params.get("algoId") or "")
    if not state and not algo_id:
        raise ApiError(50015, "Either parameter state or algoId is required")
    bodies = [algo_json(caller.account, row) for row in _rows(caller, params)]
    ended = [each for each in bodies if each["state"] != "live"]
    return [
        each
        for each in ended
        if state in (None, "", each["state"]) and algo_id in ("", each["algoId"])
    ][: parse_limit(params)]


def _cancel(caller: Caller, params: Params) -> Json:
    reply = {
        "algoId": str(params.get("algoId", "")),
        "algoClOrdId": str(params.get("algoClOrdId", "")),
        "clOrdId": "",
        "tag": "",
    }
    try:
        row = _find_algo(caller, params)
        if row is None or is_placed(row) or not row.state.is_open:
            raise cancel_failed()
        partner = find_partner(caller.account, row)
        cancel_row(caller, row)
        if partner is not None and caller.account.orders[partner.order_id].state.is_open:
            cancel_row(caller, partner)
    except OrderError as error:
        return reply | {"sCode": str(error.code), "sMsg": error.message}
    return reply | {"sCode": "0", "sMsg": ""}


def _find_algo(caller: Caller, params: Params) -> OrderRow | None:
    """The algo order of an id, else the newest one of a client id."""
    account = caller.account
    algo_id = str(params.get("algoId") or "")
    client_id = str(params.get("algoClOrdId") or "")

    def matches(row: OrderRow) -> bool:
        if algo_id:
            return str(algo_number(account, row)) == algo_id
        return bool(client_id) and row.order.client_id == client_id

    return newest_match(_algo_rows(caller), matches)


def _rows(caller: Caller, params: Params) -> list[OrderRow]:
    """The algo orders that match the filters of a list, the newest first."""
    types = [name for name in str(params.get("ordType") or "").split(",") if name]
    if not types:
        raise ApiError(50014, "Parameter ordType can not be empty")
    symbol, account = symbol_filter(caller.venue, params), caller.account
    after = parse_ms(params, "after")
    return [
        row
        for row in reversed(_algo_rows(caller))
        if algo_type(account, row) in types
        and is_of_type(params, row.order.symbol)
        and symbol in (None, row.order.symbol)
        and (after is None or algo_number(account, row) < after)
    ]


def _algo_rows(caller: Caller) -> list[OrderRow]:
    account = caller.account
    return [row for row in account.orders.values() if is_algo(row) and not is_hidden(account, row)]
