"""Orders, trades and positions as ccxt's structures; decimals become JSON numbers at the end."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce

from oms.adapters.paper.names import shown_name
from oms.domain.money import EXACT, product, total
from oms.domain.order import Order, OrderState
from oms.domain.value import evolve
from oms.simulation.costs import worth
from oms.simulation.margin import Stand, entry_price, liquidation_price
from oms.simulation.memory import EPOCH, Leg, Memory, PaperOrder, PaperTrade, TimeInForce
from oms.simulation.settings import Settings

Structure = dict[str, object]
"""A structure of ccxt: a JSON object."""

_HUNDRED = Decimal(100)
_ORDER_KEYS = (
    *("id", "clientOrderId", "timestamp", "datetime", "lastTradeTimestamp"),
    *("lastUpdateTimestamp", "symbol", "type", "timeInForce", "postOnly", "reduceOnly", "side"),
    *("price", "triggerPrice", "stopPrice", "takeProfitPrice", "stopLossPrice", "amount"),
    *("filled", "remaining", "cost", "average", "fee"),
)
_STATUS: Mapping[OrderState, str] = {
    OrderState.FILLED: "closed",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "expired",
    OrderState.REJECTED: "rejected",
}


def number(value: Decimal | None) -> float | None:
    """A JSON number."""
    return None if value is None else float(value)


def milliseconds(moment: datetime) -> int:
    """ccxt's timestamp."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def times(moment: datetime | None) -> Structure:
    """``timestamp`` and ``datetime``."""
    if moment is None:
        return {"timestamp": None, "datetime": None}
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return {"timestamp": milliseconds(moment), "datetime": f"{text}Z"}


def open_order(order: PaperOrder) -> Structure:
    """An order that is open at the exchange."""
    terms = order.terms
    force = TimeInForce.GTC if terms.time_in_force is TimeInForce.GTD else terms.time_in_force
    average = None if not order.filled else EXACT.divide(order.value, order.filled)
    exits = (terms.take_profit, terms.stop_loss)
    gain, loss = (None if each is None else number(each.price) for each in exits)
    return {
        "id": order.exchange_order_id,
        "clientOrderId": shown_name(order.client_id),
        **times(order.created_at),
        "lastTradeTimestamp": None,
        "lastUpdateTimestamp": None,
        "symbol": order.symbol,
        "type": order.order_type,
        "timeInForce": "PO" if order.post_only else force.value,
        "postOnly": order.post_only,
        "reduceOnly": order.reduce_only,
        "side": order.side.value,
        "price": number(order.price),
        **_trigger(terms.trigger_price),
        "takeProfitPrice": gain,
        "stopLossPrice": loss,
        "amount": number(order.qty),
        "filled": number(order.filled),
        "remaining": number(order.remaining),
        "cost": number(order.value),
        "average": number(average),
        "status": "open",
        "fee": None,
        "fees": [],
        "trades": [],
        "info": {"leg": order.leg.value, "source": terms.source.value, "parent": terms.parent},
    }


def dealt_order(
    order: PaperOrder, later: Sequence[PaperTrade], settings: Settings, status: str
) -> Structure:
    """An order in answer to a request: as it was told last, with what it executed since then."""
    for each in later:
        filled = total(order.filled, each.qty)
        order = evolve(
            order, filled=filled, value=total(order.value, product(each.qty, each.price))
        )
    told = open_order(order)
    trades = [trade(each, settings) for each in later]
    fees: list[Structure] = []
    for currency in sorted({each.fee_currency for each in later}):
        costs = (each.fee for each in later if each.fee_currency == currency)
        fees.append({"cost": number(reduce(total, costs)), "currency": currency})
    return told | {
        "status": status,
        "lastTradeTimestamp": milliseconds(later[-1].executed_at) if later else None,
        "trades": trades,
        "fee": fees[0] if len(fees) == 1 else None,
        "fees": fees,
    }


def refused_order(symbol: str | None, code: str, message: str) -> Structure:
    """An order of several that was refused; ``info`` says why."""
    empty = dict.fromkeys(_ORDER_KEYS)
    info = {"code": code, "message": message}
    lists: Structure = {"fees": [], "trades": [], "info": info}
    return empty | lists | {"symbol": symbol, "status": "rejected"}


def closed_order(order: Order) -> Structure:
    """An order that is over, as the ledger recorded it."""
    fees: list[Structure] = [
        {"cost": number(cost), "currency": currency} for currency, cost in order.fees.items()
    ]
    fill = order.last_fill_at
    return {
        "id": order.exchange_order_id,
        "clientOrderId": None if order.command_id is None else str(order.id),
        **times(order.created_at),
        "lastTradeTimestamp": None if fill is None else milliseconds(fill),
        "lastUpdateTimestamp": milliseconds(order.updated_at),
        "symbol": order.symbol,
        "type": order.order_type,
        "timeInForce": "PO" if order.post_only else order.time_in_force,
        "postOnly": order.post_only,
        "reduceOnly": order.reduce_only,
        "side": order.side.value,
        "price": number(order.price),
        **_trigger(order.trigger_price),
        "takeProfitPrice": None,
        "stopLossPrice": None,
        "amount": number(order.qty),
        "filled": number(order.filled_qty),
        "remaining": number(order.canceled_qty),
        "cost": number(order.fill_value),
        "average": number(order.avg_fill_price),
        "status": _STATUS.get(order.state, "open"),
        "fee": fees[0] if len(fees) == 1 else None,
        "fees": fees,
        "trades": [],
        "info": {},
    }


def trade(told: PaperTrade, settings: Settings) -> Structure:
    """One execution."""
    instrument = settings.instruments[told.symbol]
    fee: Structure = {"cost": number(told.fee), "currency": told.fee_currency}
    return {
        "id": told.trade_id,
        "order": told.exchange_order_id,
        **times(told.executed_at),
        "symbol": told.symbol,
        "type": None,
        "side": told.side.value,
        "takerOrMaker": "maker" if told.maker else "taker",
        "price": number(told.price),
        "amount": number(told.qty),
        "cost": number(worth(instrument, told.qty, told.price)),
        "fee": fee,
        "fees": [fee],
        "info": {"leg": told.leg.value, "source": told.source.value},
    }


def position(stand: Stand, memory: Memory, settings: Settings, now: datetime) -> Structure:
    """One open position at its mark price."""
    held, instrument = stand.position, stand.instrument
    worth_now = stand.value.copy_abs()
    maintenance = stand.maintenance
    share = EXACT.divide(product(stand.unrealised, _HUNDRED), stand.initial or Decimal(1))
    liquidation = liquidation_price(memory, settings, held.symbol, held.leg)
    return {
        "info": {"leg": held.leg.value},
        "id": None,
        "symbol": held.symbol,
        **times(now),
        "lastUpdateTimestamp": None,
        "side": "long" if held.qty > 0 else "short",
        "hedged": held.leg is not Leg.BOTH,
        "contracts": number(held.qty.copy_abs()),
        "contractSize": number(instrument.contract_size),
        "entryPrice": number(entry_price(instrument, held)),
        "markPrice": number(stand.mark),
        "lastPrice": None,
        "notional": number(worth_now),
        "leverage": number(Decimal(stand.leverage)),
        "marginMode": "isolated" if stand.is_isolated else "cross",
        "collateral": number(held.margin),
        "initialMargin": number(stand.initial),
        "initialMarginPercentage": number(EXACT.divide(Decimal(1), Decimal(stand.leverage))),
        "maintenanceMargin": number(maintenance),
        "maintenanceMarginPercentage": number(instrument.maintenance_rate),
        "marginRatio": None,
        "positionMargin": None,
        "liquidationPrice": number(liquidation),
        "unrealizedPnl": number(stand.unrealised),
        "realizedPnl": None,
        "percentage": number(share),
        "stopLossPrice": None,
        "takeProfitPrice": None,
    }


def _trigger(price: Decimal | None) -> Structure:
    return {"triggerPrice": number(price), "stopPrice": number(price)}
