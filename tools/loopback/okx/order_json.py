"""JSON of orders and executions in OKX v5, as ccxt's ``parse_order`` and ``parse_trade`` read it.

Every row is one of two orders: an algo order, and the ordinary order that it places when triggered,
which names it by ``algoId`` and ``algoClOrdId`` and has no client id of its own.
"""

from decimal import Decimal

from loopback.exchange.account import Account
from loopback.exchange.numeric_ids import order_number, trade_number
from loopback.exchange.rows import ExecutionRow, OrderOrigin, OrderRow, OrderState
from loopback.formatting import Json, format_number, to_ms
from loopback.okx.algo_rows import algo_id, is_algo
from loopback.okx.params import POSITION_SIDES, instrument_id, instrument_type, to_units
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO
from oms.simulation.state.paper_order import Leg, TimeInForce

_STATES = {
    **dict.fromkeys((OrderState.UNTRIGGERED, OrderState.TRIGGERED, OrderState.NEW), "live"),
    OrderState.PARTLY_FILLED: "partially_filled",
    OrderState.FILLED: "filled",
    **dict.fromkeys((OrderState.CANCELED, OrderState.DEACTIVATED), "canceled"),
}
_CATEGORIES = {OrderOrigin.LIQUIDATION: "full_liquidation", OrderOrigin.ADL: "adl"}
#: Codes of the reasons of a cancellation; 0 is the venue.
_CANCEL_SOURCES = {"": "1", "post_only_would_take": "31", "ioc": "14", "fok": "13"}


def placed_ms(row: OrderRow) -> int:
    """Returns the creation time of the ordinary order in milliseconds."""
    return to_ms(row.order.triggered_at or row.created_at)


def order_json(account: Account, row: OrderRow, fill: ExecutionRow | None = None) -> Json:
    """Returns an ordinary order; ``fill`` is the execution that a stream reports with it."""
    order, instrument = row.order, account.settings.instruments[row.order.symbol]
    is_spot, from_algo = ":" not in order.symbol, is_algo(row)
    currency, fee = _fee(instrument, row)
    body: Json = {
        "accFillSz": format_number(to_units(instrument, row.filled)),
        "algoClOrdId": order.client_id if from_algo else "",
        "algoId": algo_id(account, row) if from_algo else "",
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": _attached_json(row),
        "avgPx": format_number(row.average),
        "cTime": str(placed_ms(row)),
        "cancelSource": _cancel_source(row),
        "category": _CATEGORIES.get(row.origin, "normal"),
        "ccy": "" if is_spot else instrument.settle,
        "clOrdId": "" if from_algo else order.client_id,
        "fee": format_number(-fee),
        "feeCcy": currency,
        "instId": instrument_id(order.symbol),
        "instType": instrument_type(order.symbol),
        "isTpLimit": "false",
        "lever": "" if is_spot else str(account.leverage_of(order.symbol)),
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": str(order_number(account, row)),
        "ordType": _order_type(row),
        "pnl": "0",
        "posSide": _position_side(order.leg, is_spot=is_spot),
        "px": format_number(order.price),
        "rebate": "0",
        "rebateCcy": instrument.quote,
        "reduceOnly": str(order.reduce_only).lower(),
        "side": order.side.value,
        "slOrdPx": "",
        "slTriggerPx": "",
        "source": "6" if from_algo else "",
        "state": _STATES[row.state],
        "stpMode": "cancel_maker",
        "sz": _size(instrument, row),
        "tag": str(row.params.get("tag", "")),
        "tdMode": str(row.params.get("tdMode") or ("cash" if is_spot else "cross")),
        "tgtCcy": str(row.params.get("tgtCcy", "")) if is_spot else "",
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "uTime": str(to_ms(row.updated_at)),
    }
    return body | _fill_fields(account, instrument, fill)


def execution_json(account: Account, row: ExecutionRow) -> Json:
    """Returns an execution."""
    trade, order = row.trade, row.order
    instrument = account.settings.instruments[trade.symbol]
    from_algo = order is None or is_algo(order)
    return {
        "side": trade.side.value,
        "fillSz": format_number(to_units(instrument, trade.qty)),
        "fillPx": format_number(trade.price),
        "fillPnl": format_number(trade.realised),
        "fee": format_number(-trade.fee),
        "feeCcy": trade.fee_currency,
        "ordId": "" if order is None else str(order_number(account, order)),
        "instType": instrument_type(trade.symbol),
        "instId": instrument_id(trade.symbol),
        "clOrdId": "" if from_algo else trade.client_id,
        "posSide": _position_side(trade.leg, is_spot=":" not in trade.symbol),
        "billId": str(trade_number(account, row)),
        "tag": "",
        "execType": "M" if trade.maker else "T",
        "tradeId": str(trade_number(account, row)),
        "ts": str(to_ms(trade.executed_at)),
        "fillTime": str(to_ms(trade.executed_at)),
    }


def _fill_fields(account: Account, instrument: Instrument, fill: ExecutionRow | None) -> Json:
    """The execution in a frame of the stream; in a list there is none."""
    if fill is None:
        names = ("fillPx", "fillTime", "tradeId", "execType", "fillFeeCcy")
        return dict.fromkeys(names, "") | {"fillSz": "0", "fillFee": "0"}
    trade = fill.trade
    return {
        "fillPx": format_number(trade.price),
        "fillSz": format_number(to_units(instrument, trade.qty)),
        "fillTime": str(to_ms(trade.executed_at)),
        "tradeId": str(trade_number(account, fill)),
        "execType": "M" if trade.maker else "T",
        "fillFee": format_number(-trade.fee),
        "fillFeeCcy": trade.fee_currency,
    }


def _position_side(leg: Leg, *, is_spot: bool) -> str:
    return "net" if is_spot else POSITION_SIDES[leg]


def _fee(instrument: Instrument, row: OrderRow) -> tuple[str, Decimal]:
    for currency, fee in row.fees.items():
        return currency, fee
    if ":" in row.order.symbol:
        return instrument.settle, ZERO
    is_buy = row.order.side.value == "buy"
    return instrument.base if is_buy else instrument.quote, ZERO


def _order_type(row: OrderRow) -> str:
    order = row.order
    if order.price is None:
        return "market"
    if order.post_only:
        return "post_only"
    time_in_force = order.terms.time_in_force
    return "limit" if time_in_force is TimeInForce.GTC else time_in_force.value.lower()


def _size(instrument: Instrument, row: OrderRow) -> str:
    """The size; of a buy by cost that is the cost."""
    if row.params.get("tgtCcy") == "quote_ccy" and row.order.price is None:
        return str(row.params["sz"])
    return format_number(to_units(instrument, row.order.qty))


def _cancel_source(row: OrderRow) -> str:
    if row.state not in (OrderState.CANCELED, OrderState.DEACTIVATED):
        return ""
    return _CANCEL_SOURCES.get(row.reason, "0")


def _attached_json(row: OrderRow) -> list[Json]:
    attached = row.params.get("attachAlgoOrds")
    return [dict(each) for each in attached] if isinstance(attached, list) else []
