"""Parser of trading calls of ccxt: binds arguments, normalizes variants (``trade_requests``)."""

from collections.abc import Mapping, Sequence
from typing import Any

from oms.domain.errors import Invalid
from oms.domain.orders.order import Side
from oms.wire.ccxt.trade_requests import (
    ORDERS_MAX,
    CancelAllRequest,
    CancelOrders,
    CancelRequest,
    CloseRequest,
    CreateOrders,
    CreateRequest,
    EditOrders,
    EditRequest,
    Params,
    SettingRequest,
    TradeRequest,
    positive_number,
)

#: Arguments in ccxt's order, required ones before the bar.
_SIGNATURES: Mapping[str, str] = {
    "create_order": "symbol type side amount | price params",
    "create_orders": "orders | params",
    "create_limit_order": "symbol side amount price | params",
    "create_market_order": "symbol side amount | price params",
    "create_limit_buy_order": "symbol amount price | params",
    "create_limit_sell_order": "symbol amount price | params",
    "create_market_buy_order": "symbol amount | params",
    "create_market_sell_order": "symbol amount | params",
    "create_market_order_with_cost": "symbol side cost | params",
    "create_market_buy_order_with_cost": "symbol cost | params",
    "create_market_sell_order_with_cost": "symbol cost | params",
    "create_post_only_order": "symbol type side amount | price params",
    "create_reduce_only_order": "symbol type side amount | price params",
    "create_stop_order": "symbol type side amount | price triggerPrice params",
    "create_stop_limit_order": "symbol side amount price triggerPrice | params",
    "create_stop_market_order": "symbol side amount triggerPrice | params",
    "create_stop_loss_order": "symbol type side amount | price stopLossPrice params",
    "create_take_profit_order": "symbol type side amount | price takeProfitPrice params",
    "create_trigger_order": "symbol type side amount | price triggerPrice params",
    "create_trailing_amount_order": (
        "symbol type side amount | price trailingAmount trailingTriggerPrice params"
    ),
    "create_trailing_percent_order": (
        "symbol type side amount | price trailingPercent trailingTriggerPrice params"
    ),
    "create_order_with_take_profit_and_stop_loss": (
        "symbol type side amount | price takeProfit stopLoss params"
    ),
    "edit_order": "id symbol | type side amount price params",
    "edit_orders": "orders | params",
    "edit_limit_order": "id symbol side amount | price params",
    "edit_limit_buy_order": "id symbol amount | price params",
    "edit_limit_sell_order": "id symbol amount | price params",
    "edit_order_with_client_order_id": "clientOrderId symbol | type side amount price params",
    "cancel_order": "id | symbol params",
    "cancel_orders": "ids | symbol params",
    "cancel_all_orders": "| symbol params",
    "cancel_orders_for_symbols": "orders | params",
    "cancel_order_with_client_order_id": "clientOrderId | symbol params",
    "cancel_orders_with_client_order_ids": "clientOrderIds | symbol params",
    "close_position": "symbol | side params",
    "close_all_positions": "| params",
    "set_leverage": "leverage | symbol params",
    "set_margin_mode": "marginMode | symbol params",
    "set_position_mode": "hedged | symbol params",
}
PARSED_METHODS = frozenset(_SIGNATURES)
"""Supported methods."""

#: Arguments that are required here although optional in ccxt.
_ALSO_REQUIRED: Mapping[str, str] = {
    "create_stop_order": "triggerPrice",
    "create_trigger_order": "triggerPrice",
    "create_stop_loss_order": "stopLossPrice",
    "create_take_profit_order": "takeProfitPrice",
    "create_trailing_amount_order": "trailingAmount",
    "create_trailing_percent_order": "trailingPercent",
}
_FORWARDED_ARGUMENTS = (
    "triggerPrice",
    "stopLossPrice",
    "takeProfitPrice",
    "trailingAmount",
    "trailingPercent",
    "trailingTriggerPrice",
)


def read_trade(
    func: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> TradeRequest | None:
    """Parse a call; ``None`` for an unsupported method.

    Raises ``Invalid`` for arguments that the method does not take.
    """
    if func not in _SIGNATURES:
        return None
    arguments = _bind(func, args, kwargs)
    params = _params(arguments)
    if func.startswith("create_"):
        return _creates(func, arguments, params)
    if func.startswith("edit_"):
        return _edits(func, arguments, params)
    if func.startswith("cancel_"):
        return _cancels(func, arguments, params)
    if func == "close_position":
        side = arguments.get("side")
        amount = positive_number("amount", params.get("amount"))
        closed = None if side is None else _position_side(side)
        return CloseRequest(
            symbol=_text("symbol", arguments.get("symbol")),
            side=closed,
            amount=amount,
            params={name: each for name, each in params.items() if name != "amount"},
        )
    if func == "close_all_positions":
        return CloseRequest(symbol=None, side=None, params=params)
    value = next(
        arguments[name] for name in ("leverage", "marginMode", "hedged") if name in arguments
    )
    return SettingRequest(
        func=func, value=value, symbol=_optional_text("symbol", arguments.get("symbol"))
    )


def _bind(func: str, args: Sequence[object], kwargs: Mapping[str, object]) -> Mapping[str, object]:
    needed, _, optional = _SIGNATURES[func].partition("|")
    names = [*needed.split(), *optional.split()]
    if len(args) > len(names):
        raise Invalid(f"{func} takes {len(names)} arguments at most")
    arguments = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in names:
            raise Invalid(f"{func} takes no argument {name[:64]!r}")
        if name in arguments:
            raise Invalid(f"{func}: {name} is given twice")
        arguments[name] = value
    for name in needed.split():
        if arguments.get(name) is None and not (func == "set_position_mode" and name in arguments):
            raise Invalid(f"{func} needs {name}")
    required_argument = _ALSO_REQUIRED.get(func)
    if required_argument is not None and arguments.get(required_argument) is None:
        raise Invalid(f"{func} needs {required_argument}")
    return arguments


def _creates(func: str, arguments: Mapping[str, Any], params: Params) -> CreateOrders:
    if func == "create_orders":
        items = _items("orders", arguments["orders"])
        requests = tuple(_create(item, {**params, **_params(item)}) for item in items)
        return CreateOrders(orders=requests, is_list=True)
    order_arguments = dict(arguments)
    if "limit_" in func and "stop" not in func:
        order_arguments["type"] = "limit"
    elif "market_" in func or func == "create_stop_limit_order":
        order_arguments["type"] = "limit" if func == "create_stop_limit_order" else "market"
    for side in ("buy", "sell"):
        if f"_{side}_" in func:
            order_arguments["side"] = side
    order_params = {
        **params,
        **{name: arguments[name] for name in _FORWARDED_ARGUMENTS if name in arguments},
    }
    if func == "create_post_only_order":
        order_params["postOnly"] = True
    if func == "create_reduce_only_order":
        order_params["reduceOnly"] = True
    if func == "create_order_with_take_profit_and_stop_loss":
        order_params = _with_exits(arguments, order_params)
    return CreateOrders(orders=(_create(order_arguments, order_params),))


def _create(arguments: Mapping[str, Any], params: Params) -> CreateRequest:
    amount, price = (
        positive_number("amount", arguments.get("amount")),
        positive_number("price", arguments.get("price")),
    )
    cost = positive_number("cost", arguments.get("cost") or params.get("cost"))
    if amount is None and cost is None:
        raise Invalid("an order needs an amount")
    order_type = _text("type", arguments.get("type")).lower()
    if "limit" in order_type and price is None:
        raise Invalid(f"a {order_type[:32]} order needs a price")
    return CreateRequest(
        symbol=_text("symbol", arguments.get("symbol")),
        order_type=order_type,
        side=_side(arguments.get("side")),
        amount=None if cost is not None and arguments.get("cost") is not None else amount,
        price=price,
        params={name: value for name, value in params.items() if value is not None},
        cost=cost,
    )


def _with_exits(arguments: Mapping[str, Any], params: dict[str, object]) -> dict[str, object]:
    """Convert ccxt's flat parameters of attached exits to objects."""
    order_params = dict(params)
    for name in ("takeProfit", "stopLoss"):
        limit = order_params.pop(f"{name}LimitPrice", None)
        for suffix in ("Type", "PriceType", "Amount"):
            order_params.pop(f"{name}{suffix}", None)
        if arguments.get(name) is not None:
            order_params[name] = {"triggerPrice": arguments[name]} | (
                {"price": limit} if limit else {}
            )
    if "takeProfit" not in order_params and "stopLoss" not in order_params:
        raise Invalid("a takeProfit or a stopLoss is needed")
    return order_params


def _edits(func: str, arguments: Mapping[str, Any], params: Params) -> EditOrders:
    if func == "edit_orders":
        items = _items("orders", arguments["orders"])
        requests = tuple(_edit(item, {**params, **_params(item)}) for item in items)
        return EditOrders(orders=requests, is_list=True)
    return EditOrders(orders=(_edit(arguments, params),))


def _edit(arguments: Mapping[str, Any], params: Params) -> EditRequest:
    is_client_id = "clientOrderId" in arguments
    return EditRequest(
        name=_name(arguments.get("clientOrderId") if is_client_id else arguments.get("id")),
        symbol=_optional_text("symbol", arguments.get("symbol")),
        amount=positive_number("amount", arguments.get("amount")),
        price=positive_number("price", arguments.get("price")),
        params=params,
        is_client_id=is_client_id,
    )


def _cancels(
    func: str, arguments: Mapping[str, Any], params: Params
) -> CancelOrders | CancelAllRequest:
    symbol = _optional_text("symbol", arguments.get("symbol"))
    match func:
        case "cancel_all_orders":
            return CancelAllRequest(symbol=symbol)
        case "cancel_orders_for_symbols":
            requests = [
                CancelRequest(
                    name=_name(item.get("id") or item.get("clientOrderId")),
                    symbol=_text("symbol", item.get("symbol")),
                    is_client_id=item.get("id") is None,
                )
                for item in _items("orders", arguments["orders"])
            ]
            return CancelOrders(orders=tuple(requests), is_list=True)
        case "cancel_orders" | "cancel_orders_with_client_order_ids":
            is_client_id = func != "cancel_orders"
            names = arguments["clientOrderIds" if is_client_id else "ids"]
            if not isinstance(names, list) or len(names) > ORDERS_MAX:
                raise Invalid(f"a list of up to {ORDERS_MAX} ids is expected")
            requests = [
                CancelRequest(name=_name(n), symbol=symbol, is_client_id=is_client_id)
                for n in names
            ]
            return CancelOrders(orders=tuple(requests), is_list=True)
        case _:
            is_client_id = "clientOrderId" in arguments
            name = arguments["clientOrderId"] if is_client_id else arguments["id"]
            one = CancelRequest(name=_name(name), symbol=symbol, is_client_id=is_client_id)
            return CancelOrders(orders=(one,))


def _items(name: str, value: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list) or not 0 < len(value) <= ORDERS_MAX:
        raise Invalid(f"{name}: a list of 1 to {ORDERS_MAX} orders is expected")
    for item in value:
        if not isinstance(item, Mapping):
            raise Invalid(f"{name}: each order is an object")
    return value


def _params(arguments: Mapping[str, object]) -> Params:
    params = arguments.get("params")
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        raise Invalid("params: an object is expected")
    return params


def _side(value: object) -> Side:
    if not isinstance(value, str) or value.lower() not in ("buy", "sell"):
        raise Invalid("side: buy or sell is expected")
    return Side(value.lower())


_POSITION_SIDES: Mapping[str, Side] = {
    "long": Side.BUY,
    "buy": Side.BUY,
    "short": Side.SELL,
    "sell": Side.SELL,
}


def _position_side(value: object) -> Side:
    side = _POSITION_SIDES.get(value.lower()) if isinstance(value, str) else None
    if side is None:
        raise Invalid("side: long or short is expected")
    return side


def _name(value: object) -> str:
    if (
        not isinstance(value, str | int)
        or isinstance(value, bool)
        or not 0 < len(str(value)) <= 128
    ):
        raise Invalid("the id of an order must be a string")
    return str(value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise Invalid(f"{name}: a string is expected")
    return value


def _optional_text(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)
