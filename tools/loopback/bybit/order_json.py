"""JSON of orders and executions in Bybit v5.

Only orders of contracts have ``tpslMode``; clients distinguish them from spot orders by it.
"""

from decimal import Decimal

from loopback.bybit.params import INDEXES, category_of_symbol, side_text
from loopback.exchange.rows import ExecutionRow, ExitKind, OrderOrigin, OrderRow, OrderState
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.money import ZERO, multiply

_STATES = {
    OrderState.UNTRIGGERED: "Untriggered",
    OrderState.TRIGGERED: "Triggered",
    OrderState.NEW: "New",
    OrderState.PARTLY_FILLED: "PartiallyFilled",
    OrderState.FILLED: "Filled",
    OrderState.CANCELED: "Cancelled",
    OrderState.DEACTIVATED: "Deactivated",
}
_REASONS = {
    "post_only_would_take": "EC_PostOnlyWillTakeLiquidity",
    "unfilled": "EC_NoImmediateQtyToFill",
    "no_price": "EC_NoImmediateQtyToFill",
    "ioc": "EC_NoImmediateQtyToFill",
    "fok": "EC_NoEnoughQtyToFill",
    "": "EC_PerCancelRequest",
    "reduce_only": "EC_CancelByReduceOnly",
    "liquidation": "EC_CancelByMMP",
    "oco": "EC_PerCancelRequest",
}
_CANCEL_TYPES = {
    "": "CancelByUser",
    "oco": "CancelByTpSlTsClear",
    "reduce_only": "CancelByReduceOnly",
}
_EXITS = {
    ExitKind.NONE: "",
    ExitKind.TAKE_PROFIT: "TakeProfit",
    ExitKind.STOP_LOSS: "StopLoss",
    ExitKind.TRAILING: "TrailingStop",
}
_CREATED_BY_EXIT = {
    ExitKind.TAKE_PROFIT: "CreateByTakeProfit",
    ExitKind.STOP_LOSS: "CreateByStopLoss",
    ExitKind.TRAILING: "CreateByTrailingStop",
}
_EXECUTION_KINDS = {
    "trade": "Trade",
    "funding": "Funding",
    "liquidation": "BustTrade",
    "adl": "AdlTrade",
}


def order_json(row: OrderRow) -> Json:
    """Returns an order, without ``category``."""
    order, params = row.order, row.params
    is_spot = category_of_symbol(order.symbol) == "spot"
    in_quote = params.get("marketUnit") == "quoteCoin"
    trigger = order.terms.trigger_price
    if row.exit is ExitKind.TAKE_PROFIT and trigger is None:
        trigger = order.price
    stop_type = _EXITS[row.exit] or ("Stop" if trigger is not None else "")
    body: Json = {
        "symbol": market_id(order.symbol),
        "orderId": row.order_id,
        "orderLinkId": order.client_id,
        "blockTradeId": "",
        "side": side_text(order.side),
        "orderType": "Limit" if order.price is not None else "Market",
        "price": format_number(order.price, "0"),
        "qty": str(params["qty"]) if in_quote else format_number(order.qty),
        "marketUnit": str(params.get("marketUnit", "")),
        "timeInForce": _time_in_force(row),
        "orderStatus": _status(row, is_spot=is_spot),
        "createType": _create_type(row),
        "cancelType": _cancel_type(row),
        "rejectReason": _reject_reason(row),
        "avgPrice": format_number(row.average),
        "leavesQty": format_number(row.remaining),
        "leavesValue": format_number(multiply(row.remaining, order.price or ZERO)),
        "cumExecQty": format_number(row.filled),
        "cumExecValue": format_number(row.value),
        "cumExecFee": format_number(sum(row.fees.values(), ZERO)),
        "cumFeeDetail": {name: format_number(fee) for name, fee in row.fees.items()},
        "stopOrderType": "tpslOrder" if is_spot and row.exit else stop_type,
        "orderIv": "",
        "triggerPrice": format_number(trigger),
        "triggerDirection": 0 if trigger is None or is_spot else _direction(row, trigger),
        "triggerBy": str(params.get("triggerBy") or "LastPrice") if trigger is not None else "",
        "takeProfit": format_number(_attached_price(row, "takeProfit")),
        "stopLoss": format_number(_attached_price(row, "stopLoss")),
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "tpLimitPrice": str(params.get("tpLimitPrice", "")),
        "slLimitPrice": str(params.get("slLimitPrice", "")),
        "lastPriceOnCreated": format_number(row.last_on_created),
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": bool(params.get("closeOnTrigger")) or row.exit is not ExitKind.NONE,
        "isLeverage": "0" if is_spot else "",
        "positionIdx": INDEXES[order.leg],
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "slippageTolerance": "0",
        "slippageToleranceType": "UNKNOWN",
        "createdTime": str(to_ms(row.created_at)),
        "updatedTime": str(to_ms(row.updated_at)),
        "extraFees": "",
    }
    if not is_spot:
        whole = row.exit is not ExitKind.NONE or body["takeProfit"] or body["stopLoss"]
        body["tpslMode"] = str(params.get("tpslMode") or ("Full" if whole else ""))
    return body


def is_conditional(row: OrderRow) -> bool:
    """Whether it is listed with the stop orders: it has, or had, a trigger."""
    return row.order.terms.trigger_price is not None or row.exit is not ExitKind.NONE


def execution_json(row: ExecutionRow) -> Json:
    """Returns an execution of a trade or of funding."""
    trade, order = row.trade, row.order
    is_spot = category_of_symbol(trade.symbol) == "spot"
    body: Json = {
        "symbol": market_id(trade.symbol),
        "orderId": "" if order is None else order.order_id,
        "orderLinkId": "" if order is None else order.order.client_id,
        "side": side_text(trade.side),
        "orderPrice": "0" if order is None else format_number(order.order.price, "0"),
        "orderQty": format_number(trade.qty if order is None else order.order.qty),
        "leavesQty": "0" if order is None else format_number(order.remaining),
        "orderType": "UNKNOWN" if order is None else _type_text(order),
        "stopOrderType": "UNKNOWN" if order is None else (_EXITS[order.exit] or "UNKNOWN"),
        "execFee": format_number(trade.fee),
        "feeCurrency": trade.fee_currency,
        "feeCoin": trade.fee_currency,
        "feeRate": format_number(row.rate),
        "execId": row.execution_id,
        "execPrice": format_number(trade.price),
        "execQty": format_number(trade.qty),
        "execType": _EXECUTION_KINDS[row.kind],
        "execValue": format_number(multiply(trade.qty, trade.price)),
        "execTime": str(to_ms(trade.executed_at)),
        "isMaker": trade.maker,
        "isLeverage": "0",
        "markPrice": format_number(row.mark),
        "indexPrice": "",
        "underlyingPrice": "",
        "tradeIv": "",
        "markIv": "",
        "blockTradeId": "",
        "closedSize": format_number(_closed_size(row)),
        "seq": row.number,
        "marketUnit": "" if order is None else str(order.params.get("marketUnit", "")),
        "extraFees": "",
    }
    if not is_spot:
        body["createType"] = "" if order is None else _create_type(order)
        body["execPnl"] = format_number(trade.realised)
    return body


def _status(row: OrderRow, *, is_spot: bool) -> str:
    if is_spot and row.state is OrderState.CANCELED and row.filled:
        return "PartiallyFilledCanceled"
    return _STATES[row.state]


def _time_in_force(row: OrderRow) -> str:
    time_in_force = row.params.get("timeInForce")
    if time_in_force and row.order.price is not None:
        return str(time_in_force)
    return "GTC" if row.order.price is not None else "IOC"


def _type_text(row: OrderRow) -> str:
    return "Limit" if row.order.price is not None else "Market"


def _create_type(row: OrderRow) -> str:
    if row.origin is OrderOrigin.LIQUIDATION:
        return "CreateByLiq"
    if row.origin is OrderOrigin.ADL:
        return "CreateByAdl_PassThrough"
    return _CREATED_BY_EXIT.get(row.exit, "CreateByUser")


def _cancel_type(row: OrderRow) -> str:
    if row.state not in (OrderState.CANCELED, OrderState.DEACTIVATED):
        return "UNKNOWN"
    return _CANCEL_TYPES.get(row.reason, "UNKNOWN")


def _reject_reason(row: OrderRow) -> str:
    if row.state not in (OrderState.CANCELED, OrderState.DEACTIVATED):
        return "EC_NoError"
    return _REASONS.get(row.reason, "EC_Others")


def _direction(row: OrderRow, trigger: Decimal) -> int:
    """Returns 1 if the price must rise to the trigger, 2 if it must fall."""
    direction = row.params.get("triggerDirection")
    if direction in (1, 2, "1", "2"):
        return int(direction)
    created_at_price = row.last_on_created
    return 1 if created_at_price is None or trigger > created_at_price else 2


def _attached_price(row: OrderRow, name: str) -> Decimal | None:
    terms = row.order.terms
    exit = terms.take_profit if name == "takeProfit" else terms.stop_loss
    return None if exit is None else exit.price


def _closed_size(row: ExecutionRow) -> Decimal:
    """Returns the quantity by which a reduce-only order has reduced a position."""
    order = row.order
    return row.trade.qty if order is not None and order.order.reduce_only else ZERO
