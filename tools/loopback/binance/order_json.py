"""Orders, trades and holdings as Binance writes them, on spot and on contracts.

Ids are whole numbers that rise. A conditional order of a contract is an *algo order* under an id
of its own; once it is triggered it has placed an ordinary one: another id, the same name.
"""

from loopback.exchange.account import Account
from loopback.exchange.rows import CurrencyRow, ExecutionRow, OrderRow, OrderState, PositionRow
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.money import ZERO, multiply
from oms.simulation.state.exchange_state import Leg

#: Ids of algo orders are of another size than those of orders.
_ALGO_BASE = 1_000_000_000_000_000
SIDES = {Leg.BOTH: "BOTH", Leg.LONG: "LONG", Leg.SHORT: "SHORT"}
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
    """Spot, or a contract."""
    return ":" not in symbol


def order_number(account: Account, row: OrderRow) -> int:
    """An order's id."""
    return account.base + row.number


def algo_number(account: Account, row: OrderRow) -> int:
    """A conditional order's id."""
    return _ALGO_BASE + order_number(account, row)


def trade_number(account: Account, row: ExecutionRow) -> int:
    """An execution's id."""
    return account.base + row.number


def is_conditional(row: OrderRow) -> bool:
    """Whether it has a trigger."""
    terms = row.order.terms
    return terms.trigger_price is not None or terms.trailing_percent is not None


def is_ordinary(row: OrderRow) -> bool:
    """Whether it stands among the ordinary orders: on contracts only once it is triggered."""
    if is_spot(row.order.symbol) or not is_conditional(row):
        return True
    return row.order.triggered_at is not None


def status_of(row: OrderRow) -> str:
    """Binance's word for a state; what was not wished to end has expired."""
    match row.state:
        case OrderState.UNTRIGGERED | OrderState.TRIGGERED | OrderState.NEW:
            return "NEW"
        case OrderState.PARTLY_FILLED:
            return "PARTIALLY_FILLED"
        case OrderState.FILLED:
            return "FILLED"
    return "CANCELED" if row.reason in ("", "oco") else "EXPIRED"


def type_of(row: OrderRow) -> str:
    """Binance's word for an order type."""
    if not is_spot(row.order.symbol):
        return _LINEAR_TYPES[row.order.order_type]
    if row.order.post_only:
        return "LIMIT_MAKER"
    return _SPOT_TYPES[row.order.order_type]


def ordinary_type(row: OrderRow) -> str:
    """The type of an ordinary order: what an algo order placed has no trigger any more."""
    if is_spot(row.order.symbol) or not is_conditional(row):
        return type_of(row)
    return "MARKET" if row.order.price is None else "LIMIT"


def stop_price(row: OrderRow) -> str:
    """The trigger of an ordinary order."""
    is_placed = not is_spot(row.order.symbol) and is_conditional(row)
    return "0" if is_placed else format_number(row.order.terms.trigger_price, "0")


def time_in_force(row: OrderRow) -> str:
    """GTX is post-only."""
    if row.order.post_only and not is_spot(row.order.symbol):
        return "GTX"
    return row.order.terms.time_in_force.value


def order_json(account: Account, row: OrderRow) -> Json:
    """An order as it is read."""
    order, value = row.order, format_number(row.value)
    told: Json = {
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
        return told | {
            "orderListId": -1,
            "cummulativeQuoteQty": value,
            "icebergQty": "0",
            "isWorking": row.state is not OrderState.UNTRIGGERED,
            "workingTime": to_ms(row.created_at),
            "origQuoteOrderQty": str(row.wish.get("quoteOrderQty", "0")),
            "selfTradePreventionMode": "NONE",
        }
    return told | {
        "avgPrice": format_number(row.average, "0"),
        "cumQuote": value,
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "positionSide": SIDES[order.leg],
        "workingType": str(row.wish.get("workingType") or "CONTRACT_PRICE"),
        "priceProtect": False,
        "origType": ordinary_type(row),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": 0,
    }


def algo_json(account: Account, row: OrderRow) -> Json:
    """A conditional order of a contract."""
    order = row.order
    return {
        "algoId": algo_number(account, row),
        "clientAlgoId": client_order_id(account, row),
        "algoType": "CONDITIONAL",
        "orderType": type_of(row),
        "symbol": market_id(order.symbol),
        "side": order.side.value.upper(),
        "positionSide": SIDES[order.leg],
        "timeInForce": time_in_force(row),
        "quantity": format_number(order.qty),
        "algoStatus": algo_status(row),
        "triggerPrice": format_number(order.terms.trigger_price, "0"),
        "price": format_number(order.price, "0"),
        "icebergQuantity": None,
        "selfTradePreventionMode": "NONE",
        "workingType": str(row.wish.get("workingType") or "CONTRACT_PRICE"),
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
    """Binance's word for the state of a conditional order of a contract."""
    if row.order.triggered_at is None:
        return status_of(row)
    return "TRIGGERED" if row.state.is_open else "FINISHED"


def actual_id(account: Account, row: OrderRow) -> str:
    """The id of what a conditional order placed, empty while it waits."""
    return "" if row.order.triggered_at is None else str(order_number(account, row))


def trade_json(account: Account, row: ExecutionRow) -> Json:
    """An execution as it is read."""
    trade = row.trade
    told: Json = {
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
    buys = trade.side.value == "buy"
    if is_spot(trade.symbol):
        more = {"isBuyer": buys, "isMaker": trade.maker, "isBestMatch": True}
        return told | more | {"orderListId": -1}
    return told | {
        "buyer": buys,
        "maker": trade.maker,
        "side": trade.side.value.upper(),
        "positionSide": SIDES[trade.leg],
        "realizedPnl": format_number(trade.realised),
    }


def fill_json(account: Account, row: ExecutionRow) -> Json:
    """An execution inside the answer to a new order."""
    trade = row.trade
    return {
        "price": format_number(trade.price),
        "qty": format_number(trade.qty),
        "commission": format_number(trade.fee),
        "commissionAsset": trade.fee_currency,
        "tradeId": trade_number(account, row),
    }


def asset_json(coin: CurrencyRow, now_ms: int) -> Json:
    """A currency of the contracts' wallet."""
    return {
        "asset": coin.currency,
        "walletBalance": format_number(coin.total),
        "unrealizedProfit": format_number(coin.unrealised),
        "marginBalance": format_number(coin.equity),
        "maintMargin": format_number(coin.maintenance),
        "initialMargin": format_number(coin.order_margin + coin.position_margin),
        "positionInitialMargin": format_number(coin.position_margin),
        "openOrderInitialMargin": format_number(coin.order_margin),
        "crossWalletBalance": format_number(coin.total),
        "crossUnPnl": format_number(coin.unrealised),
        "availableBalance": format_number(coin.free),
        "maxWithdrawAmount": format_number(coin.free),
        "marginAvailable": True,
        "updateTime": now_ms,
    }


def position_json(row: PositionRow, settle: str) -> Json:
    """A position of a contract."""
    notional = row.worth if row.qty >= ZERO else -row.worth
    return {
        "symbol": market_id(row.symbol),
        "positionSide": SIDES[row.leg],
        "positionAmt": format_number(row.qty),
        "entryPrice": format_number(row.entry, "0"),
        "breakEvenPrice": format_number(row.entry, "0"),
        "markPrice": format_number(row.mark, "0"),
        "unRealizedProfit": format_number(row.unrealised),
        "unrealizedProfit": format_number(row.unrealised),
        "liquidationPrice": format_number(row.liquidation, "0"),
        "isolatedMargin": "0",
        "notional": format_number(notional),
        "marginAsset": settle,
        "isolatedWallet": "0",
        "initialMargin": format_number(row.margin),
        "maintMargin": format_number(row.maintenance),
        "positionInitialMargin": format_number(row.margin),
        "openOrderInitialMargin": "0",
        "leverage": str(row.leverage),
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": to_ms(row.updated_at),
    }


def client_order_id(account: Account, row: OrderRow) -> str:
    """Its client id; the venue gives one to orders that came without."""
    return row.order.client_id or f"autoclose-{order_number(account, row)}"
