"""An order as the exchange shows it: ccxt's row and the venue's own words become one value.

The venue's word for the state decides by a table; a word that is in no table says nothing: it is
never read as the end of an order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from oms.adapters.ccxt.orders.client_order_ids import strip_venue_prefix
from oms.adapters.ccxt.parsing.fields import (
    get_decimal,
    get_text,
    get_timestamp,
    malformed_response,
)
from oms.adapters.ccxt.venues.order_states import TRIGGERED, parse_side, parse_state
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, multiply
from oms.domain.orders.execution_report import ExternalOrderInfo
from oms.domain.side import Side
from oms.domain.value import value


class VenueOrderStatus(StrEnum):
    """Where an order stands there; fills are told by executions alone."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    #: A conditional order that is over; what it placed bears its name.
    TRIGGERED = "triggered"
    #: A word that nobody taught us.
    UNRECOGNIZED = "strange"


@value
class OrderSnapshot:
    """One order at one moment; quantities in base, absent is ``None``."""

    exchange_order_id: str
    client_id: str | None
    symbol: str
    side: Side
    order_type: str
    status: VenueOrderStatus
    raw_status: str | None
    qty: Decimal | None
    filled: Decimal
    average: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None
    reduce_only: bool
    #: It waits for its trigger.
    is_waiting: bool
    #: It stands, or stood, among conditional orders, under an id that no execution bears.
    is_conditional: bool = False
    #: The id of what it placed, where it says so.
    triggered_order_id: str | None = None
    reason: str
    #: ``takeProfit`` or ``stopLoss`` where the venue says that it is such an exit.
    exit: str | None = None
    created_at: datetime | None
    updated_at: datetime | None


#: ccxt's words.
_UNIFIED: Mapping[str, VenueOrderStatus] = {
    "open": VenueOrderStatus.OPEN,
    "closed": VenueOrderStatus.FILLED,
    "canceled": VenueOrderStatus.CANCELED,
    "canceling": VenueOrderStatus.OPEN,
    "expired": VenueOrderStatus.EXPIRED,
    "rejected": VenueOrderStatus.REJECTED,
    TRIGGERED: VenueOrderStatus.TRIGGERED,
}
#: Venues' own words, where ccxt's say less; with the key in ``info`` that holds them.
_INFO_STATUS: Mapping[str, tuple[str, Mapping[str, VenueOrderStatus]]] = {
    "bybit": (
        "orderStatus",
        {
            **dict.fromkeys(
                ("Created", "New", "PartiallyFilled", "PendingCancel"), VenueOrderStatus.OPEN
            ),
            **dict.fromkeys(("Untriggered", "Triggered", "Active"), VenueOrderStatus.OPEN),
            "Filled": VenueOrderStatus.FILLED,
            **dict.fromkeys(("Cancelled", "PartiallyFilledCanceled"), VenueOrderStatus.CANCELED),
            "Deactivated": VenueOrderStatus.CANCELED,
            "Rejected": VenueOrderStatus.REJECTED,
        },
    ),
    "binance": (
        "status",
        {
            **dict.fromkeys(("NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"), VenueOrderStatus.OPEN),
            **dict.fromkeys(("PENDING_NEW", "ACCEPTED", "TRIGGERED"), VenueOrderStatus.OPEN),
            "FILLED": VenueOrderStatus.FILLED,
            "CANCELED": VenueOrderStatus.CANCELED,
            **dict.fromkeys(("EXPIRED", "EXPIRED_IN_MATCH"), VenueOrderStatus.EXPIRED),
            "REJECTED": VenueOrderStatus.REJECTED,
        },
    ),
}
#: Keys in ``info`` that hold exact numbers.
_INFO_NUMBER_KEYS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "bybit": {
        "amount": ("qty",),
        "filled": ("cumExecQty",),
        "average": ("avgPrice",),
        "price": ("price",),
        "triggerPrice": ("triggerPrice",),
    },
    "binance": {
        "amount": ("origQty", "quantity"),
        "filled": ("executedQty",),
        "price": ("price",),
        "triggerPrice": ("stopPrice", "triggerPrice"),
    },
}
_CREATED_BY: Mapping[str, str] = {
    "CreateByLiq": "liquidation",
    "CreateByTakeOver_PassThrough": "liquidation",
    "CreateByAdl_PassThrough": "adl",
    "CreateBySettle": "settlement",
}
_EXITS: Mapping[str, str] = {
    **dict.fromkeys(("CreateByTakeProfit", "CreateByPartialTakeProfit"), "takeProfit"),
    **dict.fromkeys(("CreateByStopLoss", "CreateByPartialStopLoss"), "stopLoss"),
}
_UNTRIGGERED = "Untriggered"
#: Keys in ``info`` that say whether an order works on the book, as it is read and as it streams.
_WORKING_KEYS = ("isWorking", "w")
_CLIENT_ID_KEYS = ("orderLinkId", "origClientOrderId", "clOrdId", "clientOrderId", "cl_ord_id")


def parse_order(
    row: Mapping[str, Any], venue: str, instruments: Mapping[str, Instrument]
) -> OrderSnapshot | None:
    """What ``row`` says; ``None`` for symbols that are not traded here.

    Raises ``ReadFailed`` for a row that cannot be one of a real order.
    """
    info = row.get("info")
    info = info if isinstance(info, Mapping) else {}
    instrument = instruments.get(str(row.get("symbol")))
    if instrument is None:
        if not row.get("symbol"):
            raise malformed_response("an order without a symbol")
        return None
    name, side = get_text(row, "id"), parse_side(row, venue)
    if name is None:
        raise malformed_response("an order without an id")
    if side not in ("buy", "sell"):
        raise malformed_response("an order without a side")
    numbers = _INFO_NUMBER_KEYS.get(venue, {})
    qty = _to_base(instrument, get_decimal(row, "amount", numbers.get("amount", ())))
    price = get_decimal(row, "price", numbers.get("price", ()))
    trigger = get_decimal(row, "triggerPrice", numbers.get("triggerPrice", ()))
    if info.get("marketUnit") == "quoteCoin":
        qty = None
    status, raw_status, is_conditional = _parse_status(row, info, venue)
    filled = _to_base(instrument, get_decimal(row, "filled", numbers.get("filled", ())))
    return OrderSnapshot(
        exchange_order_id=name,
        client_id=_client_id(row, info),
        symbol=instrument.symbol,
        side=Side(side),
        order_type=_order_type(row, trigger),
        status=status,
        raw_status=raw_status,
        qty=qty or None,
        filled=ZERO if is_conditional else filled or ZERO,
        average=get_decimal(row, "average", numbers.get("average", ())) or None,
        price=price or None,
        trigger_price=trigger or None,
        reduce_only=row.get("reduceOnly") is True,
        is_waiting=status is VenueOrderStatus.OPEN
        and (is_conditional or _is_untriggered(info, raw_status, trigger)),
        is_conditional=is_conditional,
        triggered_order_id=(get_text(info, "actualOrderId") or get_text(info, "ai"))
        if is_conditional
        else None,
        reason=_CREATED_BY.get(str(info.get("createType")), "external"),
        exit=_EXITS.get(str(info.get("createType"))),
        created_at=get_timestamp(row, "timestamp"),
        updated_at=get_timestamp(row, "lastUpdateTimestamp") or _updated_at(info),
    )


def to_external_order(snapshot: OrderSnapshot, now: datetime) -> ExternalOrderInfo | None:
    """The description of an order that is not ours; ``None`` while its quantity is not told."""
    qty = snapshot.qty or snapshot.filled
    if not qty:
        return None
    return ExternalOrderInfo(
        symbol=snapshot.symbol,
        side=snapshot.side,
        order_type=snapshot.order_type,
        qty=qty,
        price=snapshot.price if "limit" in snapshot.order_type else None,
        trigger_price=snapshot.trigger_price,
        reduce_only=snapshot.reduce_only,
        reason=snapshot.reason,
        created_at=snapshot.created_at or now,
    )


def _parse_status(
    row: Mapping[str, Any], info: Mapping[str, Any], venue: str
) -> tuple[VenueOrderStatus, str | None, bool]:
    """Where it stands, in which word; whether it is a conditional order under its own id."""
    if venue in _INFO_STATUS:
        key, words = _INFO_STATUS[venue]
        word = get_text(info, key)
        if word is not None:
            return words.get(word, VenueOrderStatus.UNRECOGNIZED), word, False
    state = parse_state(info, venue)
    if state is not None:
        status = _UNIFIED.get(state.status or "", VenueOrderStatus.UNRECOGNIZED)
        return status, state.raw, state.is_conditional
    word = get_text(row, "status")
    return _UNIFIED.get(word or "", VenueOrderStatus.UNRECOGNIZED), word, False


def _is_untriggered(info: Mapping[str, Any], word: str | None, trigger: Decimal | None) -> bool:
    """Whether an order that stands among the others waits for its trigger."""
    works = next((info[key] for key in _WORKING_KEYS if key in info), True)
    return word == _UNTRIGGERED or (bool(trigger) and works is False)


def _client_id(row: Mapping[str, Any], info: Mapping[str, Any]) -> str | None:
    client_id = get_text(row, "clientOrderId") or next(
        (value for key in _CLIENT_ID_KEYS if (value := get_text(info, key)) is not None), None
    )
    return strip_venue_prefix(client_id)


def parse_client_id(row: Mapping[str, Any]) -> str | None:
    """The client id that a row of any kind tells."""
    info = row.get("info")
    return _client_id(row, info if isinstance(info, Mapping) else {})


def _updated_at(info: Mapping[str, Any]) -> datetime | None:
    return get_timestamp(info, "updatedTime") or get_timestamp(info, "updateTime")


def _order_type(row: Mapping[str, Any], trigger: Decimal | None) -> str:
    text = str(row.get("type") or "limit").lower()
    base = "limit" if "limit" in text else "market"
    return f"stop_{base}" if trigger else base


def _to_base(instrument: Instrument, amount: Decimal | None) -> Decimal | None:
    """An amount as the venue counts it (contracts) in base."""
    return None if amount is None else multiply(amount, instrument.amount_unit)
