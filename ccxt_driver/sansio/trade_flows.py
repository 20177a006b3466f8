"""Flows of the methods that trade. Each sends exactly one request, whatever happens.

If a response lacks the row of the order, the structure is filled from the arguments.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ccxt_driver.errors import driver_error
from ccxt_driver.naming import gateway_order_type
from ccxt_driver.sansio.flow import CallContext, Flow, Params
from ccxt_driver.sansio.order_terms import OrderCall
from ccxt_driver.structures import CCXT, Structure
from ccxt_driver.wire import Body, Request, format_decimal

DEFAULT_WAIT_MS = 10_000
#: The gateway must respond this long before the driver's own timeout.
RESPONSE_MARGIN_MS = 1000

#: ``params`` in both spellings, and the field of the command payload.
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
    "session_policy": "session_policy",
    "new_position": "new_position",
    "bracket": "bracket",
    "max_hold_seconds": "max_hold_seconds",
    "targets": "targets",
    "stop_trailing_from_target": "stop_trailing_from_target",
    "tp_sl_base": "tp_sl_base",
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
    "stop_loss_pct": "stop_loss_pct",
    "stop_gain_pct": "stop_gain_pct",
    "stop_trailing_pct": "stop_trailing_pct",
    "stop_trailing_amount": "stop_trailing_amount",
    "stop_trailing_activation_pct": "stop_trailing_activation_pct",
    "tp_sl_base_price": "tp_sl_base_price",
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
#: Fields that a closing order has in another form, or that have no effect on it. The gateway
#: refuses all others that it does not have.
_NOT_OF_CLOSE = frozenset({"position_id", "reduce_only", "oms_stop_loss", "oms_stop_gain"})


def create_order(context: CallContext, call: OrderCall) -> Flow[Structure]:
    """Sends one order."""
    payload = send_payload(context, call)
    body = yield _request(context, _command(context, "send_order", payload), call.params)
    return _order(context, body, _result(body, 0), {**payload, "filled_qty": "0"})


def create_orders(
    context: CallContext, calls: Sequence[OrderCall], params: Params
) -> Flow[list[Structure]]:
    """Sends several orders in one request; refused ones are returned as ``rejected``.

    ``info`` of each contains only the result of that order.
    """
    payloads = [send_payload(context, call) for call in calls]
    commands = [_command(context, "send_order", payload) for payload in payloads]
    body = yield _request(context, commands, params)
    results = [_result(body, index) for index in range(len(payloads))]
    return [
        _order(context, {"results": [result]}, result, {**payload, "filled_qty": "0"})
        for payload, result in zip(payloads, results, strict=True)
    ]


def edit_order(
    context: CallContext,
    id: Any,
    symbol: str | None,
    type: str | None,
    side: str | None,
    amount: Any,
    price: Any,
    params: Params,
    expected: Mapping[str, Any],
) -> Flow[Structure]:
    """Changes quantity, price or trigger price of a resting order, which keeps its id.

    ``expected`` are terms that the gateway compares with those of the order, and a new trigger
    price.
    """
    change = {"order_id": _id(id), **_comment(params), **expected}
    if amount is not None:
        change["new_qty"] = number_text("amount", amount)
    if price is not None:
        change["new_price"] = number_text("price", price)
    if "new_trigger_price" in change:
        change["new_trigger_price"] = number_text("triggerPrice", change["new_trigger_price"])
    body = yield _request(context, _command(context, "change_order", change), params)
    fallback = {
        "id": id,
        "symbol": symbol,
        "order_type": type,
        "side": side,
        "qty": change.get("new_qty"),
        "price": change.get("new_price"),
    }
    return _order(context, body, _result(body, 0), fallback)


def cancel_order(
    context: CallContext, id: Any, symbol: str | None, params: Params
) -> Flow[Structure]:
    """Cancels an order."""
    payload = {"order_id": _id(id), **_comment(params)}
    body = yield _request(context, _command(context, "cancel_order", payload), params)
    result = _result(body, 0)
    return _order(context, body, result, _canceled(result, id, symbol))


def cancel_orders(
    context: CallContext, ids: Sequence[Any], symbol: str | None, params: Params
) -> Flow[list[Structure]]:
    """Cancels several orders in one request."""
    payload = {"order_ids": [_id(id) for id in ids], **_comment(params)}
    body = yield _request(context, _command(context, "cancel_order", payload), params)
    result = _result(body, 0)
    rows = {str(row["id"]): row for row in _rows(result)}
    return [
        context.structures.order(rows.get(str(id)) or _canceled(result, id, symbol)) for id in ids
    ]


def cancel_all_orders(
    context: CallContext, symbol: str | None, params: Params
) -> Flow[list[Structure]]:
    """Cancels all open orders of the object's strategy, or of all strategies without one."""
    payload: dict[str, Any] = {**_comment(params)}
    strategy_id = context.strategy_id_for(params)
    if strategy_id > 0:
        payload["strategy_ids"] = [strategy_id]
    if symbol is not None:
        payload["symbol"] = symbol
    body = yield _request(context, _command(context, "cancel_all_orders", payload), params)
    return [context.structures.order(row) for row in _rows(_result(body, 0))]


def close_position(
    context: CallContext, symbol: str | None, side: str | None, params: Params
) -> Flow[Structure]:
    """Closes the position ``params["position_id"]``, or ``params["amount"]`` of it.

    The id is required: a symbol may have several positions, and a lookup would be a second
    request. Raises ``ArgumentsRequired`` without it.
    """
    fields, extra = _read_params(params)
    position_id = fields.get("position_id")
    if position_id is None:
        message = "close_position needs position_id in params"
        raise driver_error("ArgumentsRequired", message, code="invalid_position_id")
    payload: dict[str, Any] = {
        "position_id": _id(position_id),
        "client_order_id": _new_client_order_id(),
    }
    payload |= {key: value for key, value in fields.items() if key not in _NOT_OF_CLOSE}
    for key, name in (("amount", "qty"), ("qty", "qty"), ("price", "price")):
        if key in extra:
            payload[name] = number_text(key, extra.pop(key))
    for key in ("type", "order_type"):
        if key in extra:
            payload["order_type"] = str(extra.pop(key)).lower()
    if extra:
        payload["params"] = extra
    body = yield _request(context, _command(context, "close_position", payload), params)
    fallback = {"symbol": symbol, "order_type": "market", "filled_qty": "0", **payload}
    return _order(context, body, _result(body, 0), fallback)


def send_payload(context: CallContext, call: OrderCall) -> dict[str, Any]:
    fields, extra = _read_params(call.params)
    payload = {
        "symbol": call.symbol,
        "side": str(call.side).lower(),
        "order_type": gateway_order_type(call.type),
        "qty": number_text("amount", call.amount),
        "strategy_id": context.strategy_id,
        "position_id": 0,
        "client_order_id": _new_client_order_id(),
        **fields,
    }
    if call.price is not None:
        payload["price"] = number_text("price", call.price)
    stop = call.params.get("stopLossPrice")
    if stop is not None and fields.get("take_profit_price") is not None:
        # A pair of exits: the order is the take profit, the stop loss is its counterpart.
        payload["trigger_price"] = fields["take_profit_price"]
        extra["stopLossPrice"] = number_text("stopLossPrice", _level(stop))
    extra |= call.exchange_params
    if extra:
        payload["extra"] = extra
        if context.structures.dialect == CCXT:
            extra["unknown"] = "refuse"
    return payload


def _read_params(params: Params) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits ``params`` into fields of the command payload and parameters for the exchange."""
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in params.items():
        if value is None or key == "wait_ms":
            continue
        if key in _FIELDS:
            fields[_FIELDS[key]] = value
        elif key in _NUMBERS:
            fields[_NUMBERS[key]] = number_text(key, _level(value))
        else:
            extra[key] = value
    return fields, extra


def _level(value: Any) -> Any:
    """Returns the price of ccxt's ``stopLoss`` or ``takeProfit``, which may be an object."""
    if not isinstance(value, Mapping):
        return value
    return value.get("triggerPrice", value.get("stopPrice", value.get("price")))


def _command(context: CallContext, name: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"account_id": context.account_id, "command": name, "payload": payload}


def _request(context: CallContext, body: Any, params: Params) -> Request:
    query = wait_query(context, params)
    return Request(method="POST", path="/oms/commands", query=query, payload=body)


def wait_query(context: CallContext, params: Params) -> dict[str, str | int]:
    """Returns ``wait_ms``, which stays below the driver's own timeout."""
    wait_ms = params.get("wait_ms")
    wait_ms_max = max(0, int(context.timeout_seconds * 1000) - RESPONSE_MARGIN_MS)
    return {"wait_ms": min(DEFAULT_WAIT_MS if wait_ms is None else int(wait_ms), wait_ms_max)}


def _result(body: Body, index: int) -> Body:
    """Returns a command's result; empty if the response has none."""
    results = body.get("results")
    result = results[index] if isinstance(results, list) and len(results) > index else None
    return result if isinstance(result, dict) else {}


def _rows(result: Body) -> list[Body]:
    rows = [*(result.get("orders") or []), result.get("order")]
    return [row for row in rows if isinstance(row, dict)]


def _order(
    context: CallContext, body: Body, result: Body, fallback: Mapping[str, Any]
) -> Structure:
    row = result.get("order")
    if isinstance(row, dict):
        return context.structures.order(row, info=body, deals=result.get("deals") or ())
    reported: dict[str, Any] = {}
    if result.get("client_order_id") is not None:
        reported["client_order_id"] = result["client_order_id"]
    if result.get("order_id") is not None:
        reported["id"] = result["order_id"]
    if result.get("ok") is False and result.get("status") != "unknown":
        reported["status"] = "REJECTED"
    levels = {
        "stop_loss": fallback.get("oms_stop_loss"),
        "stop_gain": fallback.get("oms_stop_gain"),
    }
    return context.structures.order({**levels, **fallback, **reported}, info=body)


def _canceled(result: Body, id: Any, symbol: str | None) -> Body:
    """Returns a row for a cancel whose response does not contain the order."""
    is_done = result.get("status", "done") == "done"
    return {"id": id, "symbol": symbol, "status": "CANCELED" if is_done else None}


def _comment(params: Params) -> dict[str, Any]:
    comment = params.get("comment")
    return {} if comment is None else {"comment": comment}


def _id(value: Any) -> Any:
    """Returns an id as a number; anything else unchanged, for the gateway to refuse."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else value


def number_text(name: str, value: Any) -> str:
    try:
        return format_decimal(value)
    except ValueError as error:
        raise driver_error("InvalidOrder", f"{name}: {error}", code="validation_error") from None


def _new_client_order_id() -> str:
    return uuid.uuid4().hex
