"""JSON of algo orders in OKX v5, as ccxt's ``parse_order`` reads it."""

from loopback.exchange.account import Account
from loopback.exchange.numeric_ids import algo_number, order_number
from loopback.exchange.rows import ExitKind, OrderOrigin, OrderRow, OrderState
from loopback.formatting import Json, format_number, to_ms
from loopback.okx.algo_rows import find_partner, placed_row
from loopback.okx.order_request import MARKET_PRICE
from loopback.okx.params import POSITION_SIDES, instrument_id, instrument_type, to_units
from oms.simulation.state.paper_order import TriggerBy

_TRIGGER_FIELDS = ("triggerPx", "triggerPxType", "ordPx")
_EXIT_FIELDS = ("TriggerPx", "TriggerPxType", "OrdPx")


def algo_json(account: Account, row: OrderRow) -> Json:
    """Returns an algo order."""
    order, instrument = row.order, account.settings.instruments[row.order.symbol]
    is_spot, placed = ":" not in order.symbol, placed_row(account, row)
    order_id = "" if placed is None else str(order_number(account, placed))
    size = format_number(to_units(instrument, order.qty))
    triggered_at = None if placed is None else placed.order.triggered_at or placed.updated_at
    body: Json = {
        "activePx": "",
        "actualPx": "" if placed is None else format_number(placed.average),
        "actualSide": "" if placed is None else _actual_side(account, placed),
        "actualSz": "0" if placed is None else size,
        "algoClOrdId": order.client_id,
        "algoId": str(algo_number(account, row)),
        "cTime": str(to_ms(row.created_at)),
        "callbackRatio": "",
        "callbackSpread": "",
        "ccy": "" if is_spot else instrument.settle,
        "clOrdId": str(row.params.get("clOrdId", "")),
        "closeFraction": "",
        "failCode": "",
        "instId": instrument_id(order.symbol),
        "instType": instrument_type(order.symbol),
        "last": format_number(row.last_on_created),
        "lever": "" if is_spot else str(account.leverage_of(order.symbol)),
        "moveTriggerPx": "",
        "ordId": order_id,
        "ordIdList": [order_id] if order_id else [],
        "ordType": algo_type(account, row),
        "posSide": "net" if is_spot else POSITION_SIDES[order.leg],
        "reduceOnly": str(order.reduce_only).lower(),
        "side": order.side.value,
        "state": algo_state(account, row),
        "sz": size,
        "tag": str(row.params.get("tag", "")),
        "tdMode": str(row.params.get("tdMode") or ("cash" if is_spot else "cross")),
        "tgtCcy": str(row.params.get("tgtCcy", "")) if is_spot else "",
        "triggerTime": "" if triggered_at is None else str(to_ms(triggered_at)),
        "uTime": str(to_ms(triggered_at or row.updated_at)),
    }
    partner = find_partner(account, row)
    body |= dict.fromkeys(_TRIGGER_FIELDS, "")
    body |= {f"{prefix}{name}": "" for prefix in ("sl", "tp") for name in _EXIT_FIELDS}
    for each in (row,) if partner is None else (row, partner):
        body |= _prices(account, each)
    return body


def algo_type(account: Account, row: OrderRow) -> str:
    """Returns ``ordType`` of an algo order."""
    if row.origin is not OrderOrigin.ATTACHED:
        return str(row.params["ordType"])
    return "conditional" if find_partner(account, row) is None else "oco"


def algo_state(account: Account, row: OrderRow) -> str:
    """Returns the state of an algo order, which ends when its order is placed."""
    if placed_row(account, row) is not None:
        return "effective"
    return "live" if row.state is OrderState.UNTRIGGERED else "canceled"


def _is_stop(row: OrderRow) -> bool:
    return row.exit is ExitKind.STOP_LOSS or row.order.order_type.startswith("stop")


def _actual_side(account: Account, row: OrderRow) -> str:
    return "" if algo_type(account, row) == "trigger" else "sl" if _is_stop(row) else "tp"


def _prices(account: Account, row: OrderRow) -> Json:
    """The trigger and the price of the order that is placed, in the fields of the type."""
    names = _TRIGGER_FIELDS
    if algo_type(account, row) != "trigger":
        prefix = "sl" if _is_stop(row) else "tp"
        first, second, third = _EXIT_FIELDS
        names = (f"{prefix}{first}", f"{prefix}{second}", f"{prefix}{third}")
    trigger, price = row.order.terms.trigger_price, row.order.price
    if trigger is None:  # an attached take profit rests in the engine
        trigger, price = price, None
    by = "mark" if row.order.terms.trigger_by is TriggerBy.MARK else "last"
    values = (format_number(trigger), by, format_number(price, MARKET_PRICE))
    return dict(zip(names, values, strict=True))
