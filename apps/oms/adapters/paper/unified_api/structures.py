"""Orders, trades and positions as ccxt's structures; decimals become JSON numbers here."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce

from oms.adapters.paper.client_order_ids import decode_client_order_id
from oms.domain.money import EXACT, add, multiply
from oms.domain.orders.order import Order, OrderState
from oms.domain.value import evolve
from oms.simulation.account.costs import settle_value
from oms.simulation.account.margin import PositionMargin, entry_price, liquidation_price
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import EPOCH, ExchangeState
from oms.simulation.state.paper_order import Leg, PaperOrder, PaperTrade, TimeInForce

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


def to_float(value: Decimal | None) -> float | None:
    """Returns a JSON number."""
    return None if value is None else float(value)


def to_milliseconds(timestamp: datetime) -> int:
    """Returns ccxt's timestamp in milliseconds."""
    return (timestamp - EPOCH) // timedelta(milliseconds=1)


def timestamp_fields(timestamp: datetime | None) -> Structure:
    """Returns ``timestamp`` and ``datetime``."""
    if timestamp is None:
        return {"timestamp": None, "datetime": None}
    text = timestamp.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return {"timestamp": to_milliseconds(timestamp), "datetime": f"{text}Z"}


def open_order_structure(order: PaperOrder) -> Structure:
    """Returns an open order."""
    terms = order.terms
    force = TimeInForce.GTC if terms.time_in_force is TimeInForce.GTD else terms.time_in_force
    average = None if not order.filled else EXACT.divide(order.value, order.filled)
    exits = (terms.take_profit, terms.stop_loss)
    take_profit, stop_loss = (None if each is None else to_float(each.price) for each in exits)
    return {
        "id": order.exchange_order_id,
        "clientOrderId": decode_client_order_id(order.client_id),
        **timestamp_fields(order.created_at),
        "lastTradeTimestamp": None,
        "lastUpdateTimestamp": None,
        "symbol": order.symbol,
        "type": order.order_type,
        "timeInForce": "PO" if order.post_only else force.value,
        "postOnly": order.post_only,
        "reduceOnly": order.reduce_only,
        "side": order.side.value,
        "price": to_float(order.price),
        **_trigger(terms.trigger_price),
        "takeProfitPrice": take_profit,
        "stopLossPrice": stop_loss,
        "amount": to_float(order.qty),
        "filled": to_float(order.filled),
        "remaining": to_float(order.remaining),
        "cost": to_float(order.value),
        "average": to_float(average),
        "status": "open",
        "fee": None,
        "fees": [],
        "trades": [],
        "info": {"leg": order.leg.value, "source": terms.source.value, "parent": terms.parent},
    }


def request_result_structure(
    order: PaperOrder, trades: Sequence[PaperTrade], settings: SimulationSettings, status: str
) -> Structure:
    """Returns the order that a request changed, including the trades after its last event."""
    for each in trades:
        filled = add(order.filled, each.qty)
        order = evolve(order, filled=filled, value=add(order.value, multiply(each.qty, each.price)))
    structure = open_order_structure(order)
    execution_rows = [trade_structure(each, settings) for each in trades]
    fees: list[Structure] = []
    for currency in sorted({each.fee_currency for each in trades}):
        costs = (each.fee for each in trades if each.fee_currency == currency)
        fees.append({"cost": to_float(reduce(add, costs)), "currency": currency})
    return structure | {
        "status": status,
        "lastTradeTimestamp": to_milliseconds(trades[-1].executed_at) if trades else None,
        "trades": execution_rows,
        "fee": fees[0] if len(fees) == 1 else None,
        "fees": fees,
    }


def rejected_order_structure(symbol: str | None, code: str, message: str) -> Structure:
    """Returns a rejected order of a batch; ``info`` has code and message."""
    empty = dict.fromkeys(_ORDER_KEYS)
    info = {"code": code, "message": message}
    lists: Structure = {"fees": [], "trades": [], "info": info}
    return empty | lists | {"symbol": symbol, "status": "rejected"}


def closed_order_structure(order: Order) -> Structure:
    """Returns a finished order as the ledger recorded it."""
    fees: list[Structure] = [
        {"cost": to_float(cost), "currency": currency} for currency, cost in order.fees.items()
    ]
    fill = order.last_fill_at
    return {
        "id": order.exchange_order_id,
        "clientOrderId": None if order.command_id is None else str(order.id),
        **timestamp_fields(order.created_at),
        "lastTradeTimestamp": None if fill is None else to_milliseconds(fill),
        "lastUpdateTimestamp": to_milliseconds(order.updated_at),
        "symbol": order.symbol,
        "type": order.order_type,
        "timeInForce": "PO" if order.post_only else order.time_in_force,
        "postOnly": order.post_only,
        "reduceOnly": order.reduce_only,
        "side": order.side.value,
        "price": to_float(order.price),
        **_trigger(order.trigger_price),
        "takeProfitPrice": None,
        "stopLossPrice": None,
        "amount": to_float(order.qty),
        "filled": to_float(order.filled_qty),
        "remaining": to_float(order.canceled_qty),
        "cost": to_float(order.fill_value),
        "average": to_float(order.avg_fill_price),
        "status": _STATUS.get(order.state, "open"),
        "fee": fees[0] if len(fees) == 1 else None,
        "fees": fees,
        "trades": [],
        "info": {},
    }


def trade_structure(structure: PaperTrade, settings: SimulationSettings) -> Structure:
    """Returns one execution."""
    instrument = settings.instruments[structure.symbol]
    fee: Structure = {"cost": to_float(structure.fee), "currency": structure.fee_currency}
    return {
        "id": structure.trade_id,
        "order": structure.exchange_order_id,
        **timestamp_fields(structure.executed_at),
        "symbol": structure.symbol,
        "type": None,
        "side": structure.side.value,
        "takerOrMaker": "maker" if structure.maker else "taker",
        "price": to_float(structure.price),
        "amount": to_float(structure.qty),
        "cost": to_float(settle_value(instrument, structure.qty, structure.price)),
        "fee": fee,
        "fees": [fee],
        "info": {"leg": structure.leg.value, "source": structure.source.value},
    }


def position_structure(
    position_margin: PositionMargin,
    state: ExchangeState,
    settings: SimulationSettings,
    now: datetime,
) -> Structure:
    """Returns one open position at its mark price."""
    held, instrument = position_margin.position, position_margin.instrument
    notional = position_margin.value.copy_abs()
    maintenance = position_margin.maintenance
    share = EXACT.divide(
        multiply(position_margin.unrealised, _HUNDRED), position_margin.initial or Decimal(1)
    )
    liquidation = liquidation_price(state, settings, held.symbol, held.leg)
    return {
        "info": {"leg": held.leg.value},
        "id": None,
        "symbol": held.symbol,
        **timestamp_fields(now),
        "lastUpdateTimestamp": None,
        "side": "long" if held.qty > 0 else "short",
        "hedged": held.leg is not Leg.BOTH,
        "contracts": to_float(held.qty.copy_abs()),
        "contractSize": to_float(instrument.contract_size),
        "entryPrice": to_float(entry_price(instrument, held)),
        "markPrice": to_float(position_margin.mark),
        "lastPrice": None,
        "notional": to_float(notional),
        "leverage": to_float(Decimal(position_margin.leverage)),
        "marginMode": "isolated" if position_margin.is_isolated else "cross",
        "collateral": to_float(held.margin),
        "initialMargin": to_float(position_margin.initial),
        "initialMarginPercentage": to_float(
            EXACT.divide(Decimal(1), Decimal(position_margin.leverage))
        ),
        "maintenanceMargin": to_float(maintenance),
        "maintenanceMarginPercentage": to_float(instrument.maintenance_rate),
        "marginRatio": None,
        "positionMargin": None,
        "liquidationPrice": to_float(liquidation),
        "unrealizedPnl": to_float(position_margin.unrealised),
        "realizedPnl": None,
        "percentage": to_float(share),
        "stopLossPrice": None,
        "takeProfitPrice": None,
    }


def _trigger(price: Decimal | None) -> Structure:
    return {"triggerPrice": to_float(price), "stopPrice": to_float(price)}
