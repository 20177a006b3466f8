"""Order requests: place, change, cancel.

A request is stored as JSON with its attempt, enough to restore it after a crash.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from oms.adapters.ccxt.orders.ccxt_calls import CcxtCall, has_trigger_param, move_trigger
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.errors import Invalid
from oms.domain.instrument import InstrumentKind
from oms.domain.money import ZERO, decimal_text, parse_decimal
from oms.domain.orders.order import Order, OrderState
from oms.domain.orders.order_terms import NewTerms
from oms.domain.orders.order_types import WAITING_TYPES
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow
from oms.wire.json import dumps_fast

PLACE, CHANGE, CANCEL = "place", "change", "cancel"
REVOKED = "revoked"
"""The code of a request that was revoked before it was sent."""
_UNAVAILABLE = (False, None, "none", "emulated")


class AmendMode(StrEnum):
    """How an order is amended."""

    #: It keeps its id and its queue priority.
    NATIVE = "native"
    #: One request cancels it and places another.
    REPLACE = "replace"
    #: It is canceled, and the gateway places another.
    EMULATED = "emulated"


@dataclass(slots=True, kw_only=True, eq=False)
class OrderRequest:
    """One request on its way; ``row`` is the current state of its attempt."""

    kind: str
    tracked: TrackedOrder
    row: AttemptRow
    deadline: datetime
    #: Until when it may wait for the rate limit, with later deadlines; ``None``: not longer.
    queue_until: datetime | None = None
    #: It shares no request with others: the exchange refused one that it was part of.
    sends_alone: bool = False
    #: The terms that an amendment requests.
    qty: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    call: CcxtCall | None = None
    is_sending: bool = False
    is_revoked: bool = False
    #: It was not placed at first, and is sent once more under its client order id.
    is_resent: bool = False
    #: ``tracked.delivered_answer_count`` when it was recorded.
    answer_count: int = 0
    #: How an amendment is made.
    amend_mode: AmendMode = AmendMode.NATIVE
    #: Set once the request is stored, where its creator sends it: it enters no queue.
    saved: asyncio.Event | None = None
    #: An amendment that was under way at a restart.
    is_resumed: bool = False
    #: The id that a cancel was sent with.
    target_order_id: str | None = None


def choose_amend_mode(
    tracked: TrackedOrder,
    kind: InstrumentKind,
    profile: VenueProfile,
    restricted: Mapping[str, Any],
    *,
    moves_trigger: bool = False,
) -> AmendMode:
    """Returns how an order is amended, with the account's ``restricted`` capabilities."""
    edit = restricted.get("edit", True)
    if (edit.get(kind.value) if isinstance(edit, Mapping) else edit) in _UNAVAILABLE:
        return AmendMode.EMULATED
    if tracked.is_waiting and profile.waits_separately(tracked.symbol, tracked.order_type):
        return AmendMode.EMULATED
    if moves_trigger and not profile.amends_triggers:
        return AmendMode.EMULATED
    if kind in profile.amend_kinds:
        return AmendMode.NATIVE
    if kind in profile.replace_kinds and tracked.order_type == "limit":
        return AmendMode.REPLACE
    return AmendMode.EMULATED


def refuse_unknown_request(tracked: TrackedOrder, kind: InstrumentKind, mode: AmendMode) -> None:
    """Raises ``Invalid`` for an order whose replacement could lack terms of its first request.

    The request that placed an order from elsewhere is not stored. Its trigger is in there, and of
    contracts whether it only reduces, and which leg.
    """
    if mode is AmendMode.NATIVE or tracked.client_id is not None:
        return
    if tracked.order_type == "limit" and kind is InstrumentKind.SPOT:
        return
    message = "this order from elsewhere cannot be amended in place: cancel it and send another"
    raise Invalid(message, code="order_type_not_supported")


def refuse_terms(terms: NewTerms, tracked: TrackedOrder) -> None:
    """Raises ``Invalid`` for terms that a change cannot move at an exchange."""
    message = None
    if terms.distances:
        message = (
            "the distance of a trailing stop is not moved at this exchange: send another order"
        )
    elif not has_trigger_param(tracked.params):
        # Which price triggers it (last, mark, index) is not known, and a change says that again.
        message = "the trigger price of an order from elsewhere is not changed at this exchange"
    if message is not None:
        raise Invalid(message, code="order_type_not_supported")


def encode_request(
    tracked: TrackedOrder,
    call: CcxtCall | None,
    qty: Decimal,
    price: Decimal | None,
    amend_mode: AmendMode | None = None,
    trigger_price: Decimal | None = None,
) -> str:
    """Returns the request as JSON: the order's terms, the method and its parameters."""
    fields: dict[str, Any] = {
        "symbol": tracked.symbol,
        "side": tracked.side.value,
        "type": tracked.order_type,
        "qty": decimal_text(qty),
        "price": None if price is None else decimal_text(price),
    }
    if tracked.exchange_order_id is not None:
        fields["id"] = tracked.exchange_order_id
    if call is not None:
        fields |= {"method": call.method, "params": dict(call.params)}
    if tracked.filled_before:
        fields["before"] = decimal_text(tracked.filled_before)
    if amend_mode is not None:
        fields["way"] = amend_mode.value
    if trigger_price is not None:
        fields["trigger"] = decimal_text(trigger_price)
    return dumps_fast(fields)


def decode_terms(row: AttemptRow) -> tuple[Decimal, Decimal | None]:
    """Returns quantity and price of a stored request."""
    fields = json.loads(row.request)
    price = fields.get("price")
    return parse_decimal(fields["qty"]), None if price is None else parse_decimal(price)


def decode_trigger_price(row: AttemptRow) -> Decimal | None:
    """Returns the trigger price that a stored request moves to; ``None``: it moves none."""
    trigger_price = json.loads(row.request).get("trigger")
    return None if trigger_price is None else parse_decimal(trigger_price)


def decode_amend_mode(row: AttemptRow) -> AmendMode:
    """Returns how a stored amendment was to be made."""
    return AmendMode(json.loads(row.request).get("way", AmendMode.NATIVE))


def switch_to_emulated(row: AttemptRow) -> AttemptRow:
    """Returns a stored amendment, which one request could not make, as one in two steps."""
    fields = json.loads(row.request) | {"way": AmendMode.EMULATED.value}
    return evolve(row, request=dumps_fast(fields))


def decode_params(row: AttemptRow) -> Mapping[str, object]:
    """Returns the other parameters of a stored placement."""
    fields = json.loads(row.request).get("params", {})
    return {name: each for name, each in fields.items() if name != "clientOrderId"}


def decode_filled_before(row: AttemptRow) -> Decimal:
    """Returns what the order had filled before a stored placement replaced it."""
    fields = json.loads(row.request).get("before")
    return ZERO if fields is None else parse_decimal(fields)


def build_successor(
    tracked: TrackedOrder,
    client_id: str,
    qty: Decimal,
    price: Decimal | None,
    before: Decimal,
    trigger_price: Decimal | None = None,
) -> TrackedOrder:
    """Returns the order that replaces ``tracked``; ``qty`` is its own."""
    own_trigger, params = tracked.trigger_price, tracked.params
    trigger = own_trigger if trigger_price is None else trigger_price
    return TrackedOrder(
        order_id=tracked.order_id,
        symbol=tracked.symbol,
        side=tracked.side,
        order_type=tracked.order_type,
        qty=qty,
        price=price,
        created_at=tracked.created_at,
        client_id=client_id,
        params=params if trigger is None else move_trigger(params, trigger),
        trigger_price=None if own_trigger is None else trigger,
        first_exchange_order_id=tracked.reported_order_id,
        filled_before=before,
        # The cancel of a conditional order ended its wait; the new one waits in that list again.
        is_waiting=tracked.is_waiting or tracked.has_separate_trigger,
        has_separate_trigger=tracked.has_separate_trigger,
    )


def track_order(order: Order, profile: VenueProfile) -> TrackedOrder:
    """Returns the tracked order of a ledger's order; its executions are read again."""
    is_triggered = order.triggered_at is not None or order.order_type not in WAITING_TYPES
    return TrackedOrder(
        order_id=order.id,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        qty=order.qty,
        price=order.price,
        created_at=order.created_at,
        exchange_order_id=order.exchange_order_id,
        is_accepted=order.state not in (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN),
        accepted_at=order.submitted_at,
        is_ended=not order.is_open,
        is_waiting=profile.reports_waiting_trigger and not is_triggered,
        trigger_price=order.trigger_price if profile.amends_triggers else None,
        has_separate_trigger=profile.waits_separately(order.symbol, order.order_type),
    )


def compute_deadline(order: Order, now: datetime, seconds: float) -> datetime:
    """Returns the time ``seconds`` ahead, or that of the order's own ``deadline_ms`` if earlier."""
    requested = order.params.get("deadline_ms")
    if isinstance(requested, int) and not isinstance(requested, bool):
        seconds = min(seconds, requested / 1000)
    return now + timedelta(seconds=seconds)
