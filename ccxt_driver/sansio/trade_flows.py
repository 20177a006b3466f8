"""Plans of the methods that trade. Each sends exactly one request, whatever happens.

A reply without the order's row is filled from the call.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ccxt_driver.errors import driver_error
from ccxt_driver.naming import gateway_order_type
from ccxt_driver.sansio.flow import CallContext, Flow, Params
from ccxt_driver.structures import Structure
from ccxt_driver.wire import Body, Request, format_decimal

DEFAULT_WAIT_MS = 10_000
#: An answer must be on its way this long before the driver stops listening.
RESPONSE_MARGIN_MS = 1000

#: ``params`` by both spellings, and the gateway's field.
_FIELDS = {
    "strategy_id": "strategy_id",
    "strategyId": "strategy_id",
    "position_id": "position_id",
    "positionId": "position_id",
    "client_order_id": "client_order_id",
    "clientOrderId": "client_order_id",
    "post_only": "post_only",
    "postOnly": "post_only",
    "reduce_only": "reduce_only",
    "reduceOnly": "reduce_only",
    "time_in_force": "time_in_force",
    "timeInForce": "time_in_force",
    "expires_at": "expires_at",
    "new_position": "new_position",
    "comment": "comment",
    "reason": "reason",
}
_NUMBERS = {
    "stop_loss": "oms_stop_loss",
    "oms_stop_loss": "oms_stop_loss",
    "stopLoss": "oms_stop_loss",
    "stop_gain": "oms_stop_gain",
    "oms_stop_gain": "oms_stop_gain",
    "takeProfit": "oms_stop_gain",
    "trigger_price": "trigger_price",
    "triggerPrice": "trigger_price",
    "stop_price": "trigger_price",
    "stopPrice": "trigger_price",
    "stopLossPrice": "trigger_price",
    "take_profit_price": "take_profit_price",
    "takeProfitPrice": "take_profit_price",
    "trailing_amount": "trailing_amount",
    "trailingAmount": "trailing_amount",
    "trailing_percent": "trailing_percent",
    "trailingPercent": "trailing_percent",
}
_ONLY_OF_SEND = frozenset(
    {"position_id", "reduce_only", "oms_stop_loss", "oms_stop_gain", "expires_at", "new_position"}
)


def create_order(
    terms: CallContext, symbol: str, type: str, side: str, amount: Any, price: Any, params: Params
) -> Flow[Structure]:
    """Send one order."""
    wish = _send_payload(terms, symbol, type, side, amount, price, params)
    body = yield _commands(terms, _command(terms, "send_order", wish), params)
    return _order(terms, body, _result(body, 0), {**wish, "filled_qty": "0"})


def create_orders(
    terms: CallContext, orders: Sequence[Mapping[str, Any]], params: Params
) -> Flow[list[Structure]]:
    """Send several orders in one request; those refused come back with status ``rejected``.

    ``info`` of each is an object with the one result that is its own.
    """
    wishes = [
        _send_payload(
            terms,
            order["symbol"],
            order.get("type", order.get("order_type")),
            order["side"],
            order.get("amount", order.get("qty")),
            order.get("price"),
            {**params, **(order.get("params") or {})},
        )
        for order in orders
    ]
    commands = [_command(terms, "send_order", wish) for wish in wishes]
    body = yield _commands(terms, commands, params)
    results = [_result(body, index) for index in range(len(wishes))]
    return [
        _order(terms, {"results": [result]}, result, {**wish, "filled_qty": "0"})
        for wish, result in zip(wishes, results, strict=True)
    ]


def edit_order(
    terms: CallContext,
    id: Any,
    symbol: str | None,
    type: str | None,
    side: str | None,
    amount: Any,
    price: Any,
    params: Params,
) -> Flow[Structure]:
    """Change quantity, price or both of a resting order; it keeps its id."""
    change = {"order_id": _id(id), **_comment(params)}
    if amount is not None:
        change["new_qty"] = _number("amount", amount)
    if price is not None:
        change["new_price"] = _number("price", price)
    body = yield _commands(terms, _command(terms, "change_order", change), params)
    known = {
        "id": id,
        "symbol": symbol,
        "order_type": type,
        "side": side,
        "qty": change.get("new_qty"),
        "price": change.get("new_price"),
    }
    return _order(terms, body, _result(body, 0), known)


def cancel_order(
    terms: CallContext, id: Any, symbol: str | None, params: Params
) -> Flow[Structure]:
    """Cancel an order."""
    wish = {"order_id": _id(id), **_comment(params)}
    body = yield _commands(terms, _command(terms, "cancel_order", wish), params)
    result = _result(body, 0)
    return _order(terms, body, result, _canceled(result, id, symbol))


def cancel_orders(
    terms: CallContext, ids: Sequence[Any], symbol: str | None, params: Params
) -> Flow[list[Structure]]:
    """Cancel several orders in one request."""
    wish = {"order_ids": [_id(id) for id in ids], **_comment(params)}
    body = yield _commands(terms, _command(terms, "cancel_order", wish), params)
    result = _result(body, 0)
    rows = {str(row["id"]): row for row in _rows(result)}
    return [terms.shapes.order(rows.get(str(id)) or _canceled(result, id, symbol)) for id in ids]


def cancel_all_orders(
    terms: CallContext, symbol: str | None, params: Params
) -> Flow[list[Structure]]:
    """Cancel all open orders of the object's strategy, or of all strategies if it has none."""
    wish: dict[str, Any] = {**_comment(params)}
    strategy_id = terms.strategy_id_for(params)
    if strategy_id > 0:
        wish["strategy_ids"] = [strategy_id]
    if symbol is not None:
        wish["symbol"] = symbol
    body = yield _commands(terms, _command(terms, "cancel_all_orders", wish), params)
    return [terms.shapes.order(row) for row in _rows(_result(body, 0))]


def close_position(
    terms: CallContext, symbol: str | None, side: str | None, params: Params
) -> Flow[Structure]:
    """Close the position ``params["position_id"]``, or ``params["amount"]`` of it.

    It must be named: a symbol may have several positions, and looking one up would be a second
    request.
    """
    fields, extra = _read_params(params)
    position_id = fields.get("position_id")
    if position_id is None:
        message = "close_position needs position_id in params"
        raise driver_error("ArgumentsRequired", message, code="invalid_position_id")
    wish: dict[str, Any] = {"position_id": _id(position_id), "client_order_id": _new_name()}
    wish |= {key: value for key, value in fields.items() if key not in _ONLY_OF_SEND}
    for key, name in (("amount", "qty"), ("qty", "qty"), ("price", "price")):
        if key in extra:
            wish[name] = _number(key, extra.pop(key))
    for key in ("type", "order_type"):
        if key in extra:
            wish["order_type"] = str(extra.pop(key)).lower()
    if extra:
        wish["params"] = extra
    body = yield _commands(terms, _command(terms, "close_position", wish), params)
    known = {"symbol": symbol, "order_type": "market", "filled_qty": "0", **wish}
    return _order(terms, body, _result(body, 0), known)


def _send_payload(
    terms: CallContext, symbol: str, type: Any, side: Any, amount: Any, price: Any, params: Params
) -> dict[str, Any]:
    fields, extra = _read_params(params)
    wish = {
        "symbol": symbol,
        "side": str(side).lower(),
        "order_type": gateway_order_type(type),
        "qty": _number("amount", amount),
        "strategy_id": terms.strategy_id,
        "position_id": 0,
        "client_order_id": _new_name(),
        **fields,
    }
    if price is not None:
        wish["price"] = _number("price", price)
    stop = params.get("stopLossPrice")
    if stop is not None and fields.get("take_profit_price") is not None:
        # Both exits of a pair: the order is the take profit, the stop its other one.
        wish["trigger_price"] = fields["take_profit_price"]
        extra["stopLossPrice"] = _number("stopLossPrice", _level(stop))
    if extra:
        wish["extra"] = extra
    return wish


def _read_params(params: Params) -> tuple[dict[str, Any], dict[str, Any]]:
    """The gateway's fields in ``params``, and the rest."""
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in params.items():
        if value is None or key == "wait_ms":
            continue
        if key in _FIELDS:
            fields[_FIELDS[key]] = value
        elif key in _NUMBERS:
            fields[_NUMBERS[key]] = _number(key, _level(value))
        else:
            extra[key] = value
    return fields, extra


def _level(value: Any) -> Any:
    """The price in ccxt's ``stopLoss`` and ``takeProfit``, which may be objects."""
    if not isinstance(value, Mapping):
        return value
    return value.get("triggerPrice", value.get("stopPrice", value.get("price")))


def _command(terms: CallContext, word: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"account_id": terms.account_id, "command": word, "payload": payload}


def _commands(terms: CallContext, body: Any, params: Params) -> Request:
    """The request; the gateway waits for the outcome, but not longer than the driver listens."""
    wait_ms = params.get("wait_ms")
    most = max(0, int(terms.timeout_seconds * 1000) - RESPONSE_MARGIN_MS)
    query = {"wait_ms": min(DEFAULT_WAIT_MS if wait_ms is None else int(wait_ms), most)}
    return Request(method="POST", path="/oms/commands", query=query, payload=body)


def _result(body: Body, index: int) -> Body:
    """A command's result; empty if the reply tells none."""
    results = body.get("results")
    found = results[index] if isinstance(results, list) and len(results) > index else None
    return found if isinstance(found, dict) else {}


def _rows(result: Body) -> list[Body]:
    rows = [*(result.get("orders") or []), result.get("order")]
    return [row for row in rows if isinstance(row, dict)]


def _order(terms: CallContext, body: Body, result: Body, known: Mapping[str, Any]) -> Structure:
    row = result.get("order")
    if isinstance(row, dict):
        return terms.shapes.order(row, info=body, deals=result.get("deals") or ())
    told = {name: result[name] for name in ("client_order_id",) if result.get(name) is not None}
    if result.get("order_id") is not None:
        told["id"] = result["order_id"]
    if result.get("ok") is False and result.get("status") != "unknown":
        told["status"] = "REJECTED"
    levels = {"stop_loss": known.get("oms_stop_loss"), "stop_gain": known.get("oms_stop_gain")}
    return terms.shapes.order({**levels, **known, **told}, info=body)


def _canceled(result: Body, id: Any, symbol: str | None) -> Body:
    """The row of an order of which the reply tells only that its cancel was accepted."""
    is_done = result.get("status", "done") == "done"
    return {"id": id, "symbol": symbol, "status": "CANCELED" if is_done else None}


def _comment(params: Params) -> dict[str, Any]:
    comment = params.get("comment")
    return {} if comment is None else {"comment": comment}


def _id(value: Any) -> Any:
    """An id as a number; anything else goes as it is, to be refused by the gateway."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else value


def _number(name: str, value: Any) -> str:
    try:
        return format_decimal(value)
    except ValueError as wrong:
        raise driver_error("InvalidOrder", f"{name}: {wrong}", code="validation_error") from None


def _new_name() -> str:
    return uuid.uuid4().hex
