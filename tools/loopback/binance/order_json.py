"""JSON of orders and trades in the Binance API, on spot and on contracts.

A conditional order of a contract is an algo order; the order that it places when triggered has the
same client id.
"""

from loopback.exchange.account import Account
from loopback.exchange.numeric_ids import algo_number, order_number, trade_number
from loopback.exchange.rows import ExecutionRow, OrderRow, OrderState
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.money import multiply
from oms.simulation.state.paper_order import Leg

POSITION_SIDES = {Leg.BOTH: "BOTH", Leg.LONG: "LONG", Leg.SHORT: "SHORT"}
_SPOT_TYPES = {
    "market": "MARKET",
    "limit": "LIMIT",
    "stop_market": "STOP_LOSS",
    "stop_limit": "STOP_LOSS_LIMIT",
    "take_profit_market": "TAKE_PROFIT",
    "take_profit_limit": "TAKE_PROFIT_LIMIT",
}
_LINEAR_TYPES = {
    "market": "MARKET",
    "limit": "LIMIT",
    "stop_market": "STOP_MARKET",
    "stop_limit": "STOP",
    "take_profit_market": "TAKE_PROFIT_MARKET",
    "take_profit_limit": "TAKE_PROFIT",
    "trailing_stop": "TRAILING_STOP_MARKET",
}


def is_spot(symbol: str) -> bool:
    """Whether a symbol is a spot symbol."""
    return ":" not in symbol


def is_conditional(row: OrderRow) -> bool:
    """Whether an order has a trigger."""
    terms = row.order.terms
    return terms.trigger_price is not None or terms.trailing_percent is not None


def is_ordinary(row: OrderRow) -> bool:
    """Whether it is listed with the ordinary orders: on contracts only after its trigger."""
    if is_spot(row.order.symbol) or not is_conditional(row):
        return True
    return row.order.triggered_at is not None


def status_of(row: OrderRow) -> str:
    """Returns the order status; an order that was not canceled on request has expired."""
    match row.state:
        case OrderState.UNTRIGGERED | OrderState.TRIGGERED | OrderState.NEW:
            return "NEW"
        case OrderState.PARTLY_FILLED:
            return "PARTIALLY_FILLED"
        case OrderState.FILLED:
            return "FILLED"
    return "CANCELED" if row.reason in ("", "oco") else "EXPIRED"


def type_of(row: OrderRow) -> str:
    """Returns the order type."""
    if not is_spot(row.order.symbol):
        return _LINEAR_TYPES[row.order.order_type]
    if row.order.post_only:
        return "LIMIT_MAKER"
    return _SPOT_TYPES[row.order.order_type]


def ordinary_type(row: OrderRow) -> str:
    """Returns the type of an ordinary order; one placed by an algo order has no trigger."""
    if is_spot(row.order.symbol) or not is_conditional(row):
        return type_of(row)
    return "MARKET" if row.order.price is None else "LIMIT"


def stop_price(row: OrderRow) -> str:
    """Returns the trigger price of an ordinary order."""
    is_placed = not is_spot(row.order.symbol) and is_conditional(row)
    return "0" if is_placed else format_number(row.order.terms.trigger_price, "0")


def time_in_force(row: OrderRow) -> str:
    """Returns the time in force; GTX is post-only."""
    if row.order.post_only and not is_spot(row.order.symbol):
        return "GTX"
    return row.order.terms.time_in_force.value


def order_json(account: Account, row: OrderRow) -> Json:
    """Returns an order."""
    order, value = row.order, format_number(row.value)
    body: Json = {
        "symbol": market_id(order.symbol),
        "orderId": order_number(account, row),
        "clientOrderId": client_order_id(account, row),
        "price": format_number(order.price, "0"),
        "origQty": format_number(order.qty),
        "executedQty": format_number(row.filled),
        "status": status_of(row),
        "timeInForce": time_in_force(row),
        "type": ordinary_type(row),
        "side": order.side.value.upper(),
        "stopPrice": stop_price(row),
        "time": to_ms(row.created_at),
        "updateTime": to_ms(row.updated_at),
    }
    if is_spot(order.symbol):
        return body | {
            "orderListId": -1,
            "cummulativeQuoteQty": value,
            "icebergQty": "0",
            "isWorking": row.state is not OrderState.UNTRIGGERED,
            "workingTime": to_ms(row.created_at),
            "origQuoteOrderQty": str(row.params.get("quoteOrderQty", "0")),
            "selfTradePreventionMode": "NONE",
        }
    return body | {
        "avgPrice": format_number(row.average, "0"),
        "cumQuote": value,
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "positionSide": POSITION_SIDES[order.leg],
        "workingType": str(row.params.get("workingType") or "CONTRACT_PRICE"),
        "priceProtect": False,
        "origType": ordinary_type(row),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": 0,
    }


def algo_json(account: Account, row: OrderRow) -> Json:
    """Returns an algo order."""
    order = row.order
    return {
        "algoId": algo_number(account, row),
        "clientAlgoId": client_order_id(account, row),
        "algoType": "CONDITIONAL",
        "orderType": type_of(row),
        "symbol": market_id(order.symbol),
        "side": order.side.value.upper(),
        "positionSide": POSITION_SIDES[order.leg],
        "timeInForce": time_in_force(row),
        "quantity": format_number(order.qty),
        "algoStatus": algo_status(row),
        "triggerPrice": format_number(order.terms.trigger_price, "0"),
        "price": format_number(order.price, "0"),
        "icebergQuantity": None,
        "selfTradePreventionMode": "NONE",
        "workingType": str(row.params.get("workingType") or "CONTRACT_PRICE"),
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": order.reduce_only,
        "callbackRate": format_number(order.terms.trailing_percent),
        "createTime": to_ms(row.created_at),
        "updateTime": to_ms(row.updated_at),
        "triggerTime": 0 if order.triggered_at is None else to_ms(order.triggered_at),
        "goodTillDate": 0,
        "actualOrderId": actual_id(account, row),
        "actualPrice": format_number(row.average, "0"),
    }


def algo_status(row: OrderRow) -> str:
    """Returns the status of an algo order."""
    if row.order.triggered_at is None:
        return status_of(row)
    return "TRIGGERED" if row.state.is_open else "FINISHED"


def actual_id(account: Account, row: OrderRow) -> str:
    """Returns the id of the order that an algo order placed; empty before its trigger."""
    return "" if row.order.triggered_at is None else str(order_number(account, row))


def trade_json(account: Account, row: ExecutionRow) -> Json:
    """Returns an execution."""
    trade = row.trade
    body: Json = {
        "symbol": market_id(trade.symbol),
        "id": trade_number(account, row),
        "orderId": 0 if row.order is None else order_number(account, row.order),
        "price": format_number(trade.price),
        "qty": format_number(trade.qty),
        "quoteQty": format_number(multiply(trade.price, trade.qty)),
        "commission": format_number(trade.fee),
        "commissionAsset": trade.fee_currency,
        "time": to_ms(trade.executed_at),
    }
    is_buy = trade.side.value == "buy"
    if is_spot(trade.symbol):
        spot_fields = {"isBuyer": is_buy, "isMaker": trade.maker, "isBestMatch": True}
        return body | spot_fields | {"orderListId": -1}
    return body | {
        "buyer": is_buy,
        "maker": trade.maker,
        "side": trade.side.value.upper(),
        "positionSide": POSITION_SIDES[trade.leg],
        "realizedPnl": format_number(trade.realised),
    }


def fill_json(account: Account, row: ExecutionRow) -> Json:
    """Returns an execution in the response to a new order."""
    trade = row.trade
    return {
        "price": format_number(trade.price),
        "qty": format_number(trade.qty),
        "commission": format_number(trade.fee),
        "commissionAsset": trade.fee_currency,
        "tradeId": trade_number(account, row),
    }


def client_order_id(account: Account, row: OrderRow) -> str:
    """Returns the client id; the venue assigns one to orders without."""
    return row.order.client_id or f"autoclose-{order_number(account, row)}"
