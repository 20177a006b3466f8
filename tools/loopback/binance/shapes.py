"""Orders, trades and holdings as Binance writes them, on spot and on contracts.

Ids are whole numbers that rise. A conditional order of a contract is an *algo order* under an id
of its own; once it is triggered it has placed an ordinary one: another id, the same name.
"""

from loopback.account import Account
from loopback.rows import CoinRow, ExecutionRow, OrderRow, PositionRow, State
from loopback.words import Json, id_of, ms, text
from oms.domain.money import ZERO, product
from oms.simulation.memory import Leg

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


def is_listed(row: OrderRow) -> bool:
    """Whether it stands among the ordinary orders: on contracts only once it is triggered."""
    if is_spot(row.order.symbol) or not is_conditional(row):
        return True
    return row.order.triggered_at is not None


def status_of(row: OrderRow) -> str:
    """Binance's word for a state; what was not wished to end has expired."""
    match row.state:
        case State.UNTRIGGERED | State.TRIGGERED | State.NEW:
            return "NEW"
        case State.PARTLY_FILLED:
            return "PARTIALLY_FILLED"
        case State.FILLED:
            return "FILLED"
    return "CANCELED" if row.reason in ("", "oco") else "EXPIRED"


def type_of(row: OrderRow) -> str:
    """Binance's word for an order type."""
    if not is_spot(row.order.symbol):
        return _LINEAR_TYPES[row.order.order_type]
    if row.order.post_only:
        return "LIMIT_MAKER"
    return _SPOT_TYPES[row.order.order_type]


def listed_type(row: OrderRow) -> str:
    """The type of an ordinary order: what an algo order placed has no trigger any more."""
    if is_spot(row.order.symbol) or not is_conditional(row):
        return type_of(row)
    return "MARKET" if row.order.price is None else "LIMIT"


def stop_price(row: OrderRow) -> str:
    """The trigger of an ordinary order."""
    is_placed = not is_spot(row.order.symbol) and is_conditional(row)
    return "0" if is_placed else text(row.order.terms.trigger_price, "0")


def time_in_force(row: OrderRow) -> str:
    """GTX is post-only."""
    if row.order.post_only and not is_spot(row.order.symbol):
        return "GTX"
    return row.order.terms.time_in_force.value


def order_json(account: Account, row: OrderRow) -> Json:
    """An order as it is read."""
    order, value = row.order, text(row.value)
    told: Json = {
        "symbol": id_of(order.symbol),
        "orderId": order_number(account, row),
        "clientOrderId": client_of(account, row),
        "price": text(order.price, "0"),
        "origQty": text(order.qty),
        "executedQty": text(row.filled),
        "status": status_of(row),
        "timeInForce": time_in_force(row),
        "type": listed_type(row),
        "side": order.side.value.upper(),
        "stopPrice": stop_price(row),
        "time": ms(row.created_at),
        "updateTime": ms(row.updated_at),
    }
    if is_spot(order.symbol):
        return told | {
            "orderListId": -1,
            "cummulativeQuoteQty": value,
            "icebergQty": "0",
            "isWorking": row.state is not State.UNTRIGGERED,
            "workingTime": ms(row.created_at),
            "origQuoteOrderQty": str(row.wish.get("quoteOrderQty", "0")),
            "selfTradePreventionMode": "NONE",
        }
    return told | {
        "avgPrice": text(row.average, "0"),
        "cumQuote": value,
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "positionSide": SIDES[order.leg],
        "workingType": str(row.wish.get("workingType") or "CONTRACT_PRICE"),
        "priceProtect": False,
        "origType": listed_type(row),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": 0,
    }


def algo_json(account: Account, row: OrderRow) -> Json:
    """A conditional order of a contract."""
    order = row.order
    return {
        "algoId": algo_number(account, row),
        "clientAlgoId": client_of(account, row),
        "algoType": "CONDITIONAL",
        "orderType": type_of(row),
        "symbol": id_of(order.symbol),
        "side": order.side.value.upper(),
        "positionSide": SIDES[order.leg],
        "timeInForce": time_in_force(row),
        "quantity": text(order.qty),
        "algoStatus": algo_status(row),
        "triggerPrice": text(order.terms.trigger_price, "0"),
        "price": text(order.price, "0"),
        "icebergQuantity": None,
        "selfTradePreventionMode": "NONE",
        "workingType": str(row.wish.get("workingType") or "CONTRACT_PRICE"),
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": order.reduce_only,
        "callbackRate": text(order.terms.trailing_percent),
        "createTime": ms(row.created_at),
        "updateTime": ms(row.updated_at),
        "triggerTime": 0 if order.triggered_at is None else ms(order.triggered_at),
        "goodTillDate": 0,
        "actualOrderId": actual_id(account, row),
        "actualPrice": text(row.average, "0"),
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
        "symbol": id_of(trade.symbol),
        "id": trade_number(account, row),
        "orderId": 0 if row.order is None else order_number(account, row.order),
        "price": text(trade.price),
        "qty": text(trade.qty),
        "quoteQty": text(product(trade.price, trade.qty)),
        "commission": text(trade.fee),
        "commissionAsset": trade.fee_currency,
        "time": ms(trade.executed_at),
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
        "realizedPnl": text(trade.realised),
    }


def fill_json(account: Account, row: ExecutionRow) -> Json:
    """An execution inside the answer to a new order."""
    trade = row.trade
    return {
        "price": text(trade.price),
        "qty": text(trade.qty),
        "commission": text(trade.fee),
        "commissionAsset": trade.fee_currency,
        "tradeId": trade_number(account, row),
    }


def asset_json(coin: CoinRow, now_ms: int) -> Json:
    """A currency of the contracts' wallet."""
    return {
        "asset": coin.currency,
        "walletBalance": text(coin.total),
        "unrealizedProfit": text(coin.unrealised),
        "marginBalance": text(coin.equity),
        "maintMargin": text(coin.maintenance),
        "initialMargin": text(coin.order_margin + coin.position_margin),
        "positionInitialMargin": text(coin.position_margin),
        "openOrderInitialMargin": text(coin.order_margin),
        "crossWalletBalance": text(coin.total),
        "crossUnPnl": text(coin.unrealised),
        "availableBalance": text(coin.free),
        "maxWithdrawAmount": text(coin.free),
        "marginAvailable": True,
        "updateTime": now_ms,
    }


def position_json(row: PositionRow, settle: str) -> Json:
    """A position of a contract."""
    notional = row.worth if row.qty >= ZERO else -row.worth
    return {
        "symbol": id_of(row.symbol),
        "positionSide": SIDES[row.leg],
        "positionAmt": text(row.qty),
        "entryPrice": text(row.entry, "0"),
        "breakEvenPrice": text(row.entry, "0"),
        "markPrice": text(row.mark, "0"),
        "unRealizedProfit": text(row.unrealised),
        "unrealizedProfit": text(row.unrealised),
        "liquidationPrice": text(row.liquidation, "0"),
        "isolatedMargin": "0",
        "notional": text(notional),
        "marginAsset": settle,
        "isolatedWallet": "0",
        "initialMargin": text(row.margin),
        "maintMargin": text(row.maintenance),
        "positionInitialMargin": text(row.margin),
        "openOrderInitialMargin": "0",
        "leverage": str(row.leverage),
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": ms(row.updated_at),
    }


def client_of(account: Account, row: OrderRow) -> str:
    """Its client id; the venue gives one to orders that came without."""
    return row.order.client_id or f"autoclose-{order_number(account, row)}"
