"""Parses ccxt's order rows into ``OrderSnapshot``.

The venue's own status decides where its profile reads it; a status that no table lists is never
read as the end of an order.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.orders.client_order_ids import strip_venue_prefix
from oms.adapters.ccxt.parsing.fields import (
    get_decimal,
    get_text,
    get_timestamp,
    malformed_response,
)
from oms.adapters.ccxt.venues.order_status import Info, VenueOrderStatus, VenueState
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, multiply
from oms.domain.orders.execution_report import ExternalOrderInfo
from oms.domain.side import Side
from oms.domain.value import value


@value
class OrderSnapshot:
    """One order at one time; quantities in base currency, ``None`` where a field is absent."""

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
    #: A conditional order under an id of its own, which no execution has.
    is_conditional: bool = False
    #: The exchange's id of the order that it placed, where it is reported.
    triggered_order_id: str | None = None
    #: The tag of a conditional order without a client order id.
    tag: str | None = None
    #: ``external``, or why the exchange made the order.
    reason: str
    #: ``takeProfit`` or ``stopLoss`` where the venue reports that it is such an exit.
    exit: str | None = None
    created_at: datetime | None
    updated_at: datetime | None


#: ccxt's unified status.
_UNIFIED: Mapping[str, VenueOrderStatus] = {
    "open": VenueOrderStatus.OPEN,
    "closed": VenueOrderStatus.FILLED,
    "canceled": VenueOrderStatus.CANCELED,
    "canceling": VenueOrderStatus.OPEN,
    "expired": VenueOrderStatus.EXPIRED,
    "rejected": VenueOrderStatus.REJECTED,
}
#: Keys in ``info`` that say whether an order is on the book, in REST rows and in stream rows.
_WORKING_KEYS = ("isWorking", "w")
_CLIENT_ID_KEYS = ("orderLinkId", "origClientOrderId", "clOrdId", "clientOrderId", "cl_ord_id")


def parse_order(
    row: Mapping[str, Any], venue: str, instruments: Mapping[str, Instrument]
) -> OrderSnapshot | None:
    """Returns the order in ``row``; ``None`` for a symbol that is not traded here.

    Raises ``ReadFailed`` for a row that cannot be an order.
    """
    info = row.get("info")
    info = info if isinstance(info, Mapping) else {}
    instrument = instruments.get(str(row.get("symbol")))
    if instrument is None:
        if not row.get("symbol"):
            raise malformed_response("an order without a symbol")
        return None
    profile = get_profile(venue)
    order_id, side = _order_id(row, info, profile), side_of(row, profile)
    if order_id is None:
        raise malformed_response("an order without an id")
    if side not in ("buy", "sell"):
        raise malformed_response("an order without a side")
    keys = profile.order_number_keys
    qty = _to_base(instrument, get_decimal(row, "amount", keys.get("amount", ())))
    price = get_decimal(row, "price", keys.get("price", ()))
    trigger = get_decimal(row, "triggerPrice", keys.get("triggerPrice", ()))
    for name in () if trigger else profile.trigger_price_fields:
        trigger = trigger or get_decimal(row, name)
    marker = profile.quote_amount_marker
    if marker is not None and info.get(marker[0]) == marker[1]:
        qty = None
    state = _parse_state(row, info, profile)
    is_open = state.status is VenueOrderStatus.OPEN
    filled = _to_base(instrument, get_decimal(row, "filled", keys.get("filled", ())))
    created_by = str(info.get("createType"))
    return OrderSnapshot(
        exchange_order_id=order_id,
        client_id=_first_text(info, profile.client_id_keys) or _client_id(row, info),
        symbol=instrument.symbol,
        side=Side(side),
        order_type=_order_type(row, trigger),
        status=state.status,
        raw_status=state.raw,
        qty=qty or None,
        filled=ZERO if state.is_conditional else filled or ZERO,
        average=get_decimal(row, "average", keys.get("average", ())) or None,
        price=price or None,
        trigger_price=trigger or None,
        reduce_only=row.get("reduceOnly") is True,
        is_waiting=is_open and (state.is_conditional or _is_untriggered(info, state, trigger)),
        is_conditional=state.is_conditional,
        triggered_order_id=state.triggered_order_id,
        tag=state.tag,
        reason=profile.create_reasons.get(created_by, "external"),
        exit=profile.create_exits.get(created_by),
        created_at=get_timestamp(row, "timestamp"),
        updated_at=get_timestamp(row, "lastUpdateTimestamp") or _updated_at(info),
    )


def to_external_order(snapshot: OrderSnapshot, now: datetime) -> ExternalOrderInfo | None:
    """Returns the ledger's description of an external order; ``None`` without a quantity."""
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


def parse_client_id(row: Mapping[str, Any]) -> str | None:
    """Returns the client order id in a row of orders or executions."""
    info = row.get("info")
    return _client_id(row, info if isinstance(info, Mapping) else {})


def side_of(row: Mapping[str, Any], profile: VenueProfile) -> Any:
    """Returns the side of an order or execution row, unchecked."""
    info, side = row.get("info"), row.get("side")
    if profile.parse_side is None or not isinstance(info, Mapping):
        return side
    return profile.parse_side(info, side)


def _parse_state(row: Mapping[str, Any], info: Info, profile: VenueProfile) -> VenueState:
    state = None if profile.parse_state is None else profile.parse_state(info)
    if state is not None:
        return state
    raw = get_text(row, "status")
    status = _UNIFIED.get(raw or "", VenueOrderStatus.UNRECOGNIZED)
    return VenueState(status=status, raw=raw)


def _is_untriggered(info: Info, state: VenueState, trigger: Decimal | None) -> bool:
    """Whether an order in the list of ordinary orders waits for its trigger."""
    is_working = next((info[key] for key in _WORKING_KEYS if key in info), True)
    return state.is_untriggered or (bool(trigger) and is_working is False)


def _order_id(row: Mapping[str, Any], info: Info, profile: VenueProfile) -> str | None:
    own_id = None if profile.parse_order_id is None else profile.parse_order_id(info)
    return own_id or get_text(row, "id")


def _client_id(row: Mapping[str, Any], info: Info) -> str | None:
    client_id = get_text(row, "clientOrderId") or _first_text(info, _CLIENT_ID_KEYS)
    return strip_venue_prefix(client_id)


def _first_text(info: Info, keys: Sequence[str]) -> str | None:
    return next((text for key in keys if (text := get_text(info, key)) is not None), None)


def _updated_at(info: Info) -> datetime | None:
    return get_timestamp(info, "updatedTime") or get_timestamp(info, "updateTime")


def _order_type(row: Mapping[str, Any], trigger: Decimal | None) -> str:
    text = str(row.get("type") or "limit").lower()
    base = "limit" if "limit" in text else "market"
    return f"stop_{base}" if trigger else base


def _to_base(instrument: Instrument, amount: Decimal | None) -> Decimal | None:
    """Converts an amount in the venue's unit (contracts) to base currency."""
    return None if amount is None else multiply(amount, instrument.amount_unit)
