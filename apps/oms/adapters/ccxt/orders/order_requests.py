"""Order requests and their ccxt calls: place, change, cancel.

A request is stored as JSON with its attempt, enough to restore it after a crash.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.account import PositionMode
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT, ZERO, decimal_text, parse_decimal, subtract
from oms.domain.orders.order import Order, OrderState
from oms.domain.orders.order_types import LIMIT_TYPES, TRAILING_STOP, TRIGGERED_TYPES
from oms.domain.side import Side
from oms.domain.value import evolve, value
from oms.ports.exchange import AttemptRow
from oms.wire.json import dumps_fast

PLACE, CHANGE, CANCEL = "place", "change", "cancel"
REVOKED = "revoked"
"""The code of a request that was revoked before it was sent."""
#: Keys of ``params`` that the gateway reads and does not send.
_OWN_PARAMS = frozenset({"sim", "precision", "deadline_ms"})
_UNAVAILABLE = (False, None, "none", "emulated")


class Legs(Enum):
    """How the exchange holds contracts compared with the ledger."""

    #: One position per symbol, at the exchange and in the ledger.
    ONE = "one"
    #: A long and a short leg at the exchange.
    TWO = "two"
    #: The exchange nets what the ledger holds separately: an order that reduces one ticket may
    #: enlarge the net position, so ``reduceOnly`` is not sent.
    VIRTUAL = "virtual"


def choose_legs(mode: PositionMode, *, is_hedged: bool) -> Legs:
    """Returns the legs of an account of ``mode`` at an exchange in hedge mode, or not."""
    if is_hedged:
        return Legs.TWO
    return Legs.ONE if mode is PositionMode.NETTING else Legs.VIRTUAL


class AmendMode(StrEnum):
    """How an order is amended."""

    #: It keeps its id and its queue priority.
    NATIVE = "native"
    #: One request cancels it and places another.
    REPLACE = "replace"
    #: It is canceled, and the gateway places another.
    EMULATED = "emulated"


@value
class CcxtCall:
    """One ccxt method with its arguments."""

    method: str
    args: tuple[object, ...]
    params: Mapping[str, object]


@dataclass(slots=True, kw_only=True, eq=False)
class OrderRequest:
    """One request on its way; ``row`` is the current state of its attempt."""

    kind: str
    tracked: TrackedOrder
    row: AttemptRow
    deadline: datetime
    #: The terms that an amendment requests.
    qty: Decimal | None = None
    price: Decimal | None = None
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


def refuse_unsupported_order(order: Order, instrument: Instrument, profile: VenueProfile) -> None:
    """Raises ``Invalid`` for forms of orders that the venue does not take natively."""
    message = None
    if order.order_type == TRAILING_STOP:
        message = "trailing stops are not sent to this exchange"
    elif order.expires_at is not None or order.time_in_force == "GTD":
        message = "orders that expire by themselves are not sent to this exchange"
    elif order.trigger_price is not None and not profile.supports_triggers(instrument.kind):
        message = "orders with a trigger are not sent to this exchange"
    elif order.time_in_force in profile.unsupported_time_in_force.get(instrument.kind, ()):
        message = f"this exchange has no {order.time_in_force} here"
    elif _is_market_buy(order) and instrument.kind in profile.market_buy_by_cost_kinds:
        message = "this exchange takes market buys by cost only, never by quantity"
    if message is not None:
        raise Invalid(message, code="order_type_not_supported")


def _is_market_buy(order: Order) -> bool:
    return order.order_type == "market" and order.side is Side.BUY


def choose_amend_mode(
    tracked: TrackedOrder,
    kind: InstrumentKind,
    profile: VenueProfile,
    restricted: Mapping[str, Any],
) -> AmendMode:
    """Returns how an order is amended; ``restricted`` are the restricted capabilities of the
    account.
    """
    edit = restricted.get("edit", True)
    if (edit.get(kind.value) if isinstance(edit, Mapping) else edit) in _UNAVAILABLE:
        return AmendMode.EMULATED
    if tracked.has_separate_trigger and tracked.is_waiting:
        return AmendMode.EMULATED
    if kind in profile.amend_kinds:
        return AmendMode.NATIVE
    if kind in profile.replace_kinds and tracked.order_type == "limit":
        return AmendMode.REPLACE
    return AmendMode.EMULATED


def build_place_call(
    order: Order, instrument: Instrument, profile: VenueProfile, client_id: str
) -> CcxtCall:
    """Returns the request to place ``order``; ``add_legs`` completes it."""
    is_limit = order.order_type in LIMIT_TYPES
    params: dict[str, object] = {k: v for k, v in order.params.items() if k not in _OWN_PARAMS}
    params["clientOrderId"] = client_id
    if order.post_only or order.time_in_force == "PO":
        params["postOnly"] = True
    elif order.time_in_force not in (None, "GTC"):
        params["timeInForce"] = order.time_in_force
    if instrument.kind is not InstrumentKind.SPOT and order.reduce_only:
        params["reduceOnly"] = True
    if order.trigger_price is not None and order.order_type in TRIGGERED_TYPES:
        params[_trigger_param(order, profile)] = decimal_text(order.trigger_price)
        if profile.needs_trigger_direction and instrument.kind is not InstrumentKind.SPOT:
            params["triggerDirection"] = _direction(order)
    amount = EXACT.divide(order.qty, instrument.amount_unit)
    price = order.price if is_limit else None
    kind = "limit" if is_limit else "market"
    args = (order.symbol, kind, order.side.value, amount, price)
    return CcxtCall(method="create_order", args=args, params=params)


def add_legs(call: CcxtCall, instrument: Instrument, legs: Legs) -> CcxtCall:
    """Returns the request to place an order at an exchange that holds ``legs``."""
    params = dict(call.params)
    if instrument.kind is not InstrumentKind.SPOT:
        match legs:
            case Legs.TWO:
                params["hedged"] = True
            case Legs.VIRTUAL:
                params.pop("reduceOnly", None)
    return evolve(call, params=params)


def build_amend_call(
    tracked: TrackedOrder, instrument: Instrument, qty: Decimal, price: Decimal | None
) -> CcxtCall:
    """Returns the request to amend an order; price and quantity are always sent."""
    amount = EXACT.divide(subtract(qty, tracked.filled_before), instrument.amount_unit)
    kind = "limit" if price is not None else "market"
    args = (tracked.current_order_id, tracked.symbol, kind, tracked.side.value, amount, price)
    return CcxtCall(method="edit_order", args=args, params={})


def build_replace_call(
    tracked: TrackedOrder, new: TrackedOrder, instrument: Instrument
) -> CcxtCall:
    """Returns the request that cancels ``tracked``, if it has no fills, and places ``new``."""
    amount = EXACT.divide(new.qty, instrument.amount_unit)
    params = {**tracked.params, "clientOrderId": new.client_id, "cancelRestrictions": "ONLY_NEW"}
    args = (
        tracked.exchange_order_id,
        tracked.symbol,
        "limit",
        tracked.side.value,
        amount,
        new.price,
    )
    return CcxtCall(method="edit_order", args=args, params=params)


def build_replacement_call(new: TrackedOrder, instrument: Instrument) -> CcxtCall:
    """Returns the request to place the remaining quantity of an order, with the same parameters."""
    kind = "limit" if new.order_type in LIMIT_TYPES else "market"
    amount = EXACT.divide(new.qty, instrument.amount_unit)
    price = new.price if kind == "limit" else None
    params = {**new.params, "clientOrderId": new.client_id}
    args = (new.symbol, kind, new.side.value, amount, price)
    return CcxtCall(method="create_order", args=args, params=params)


def build_cancel_call(tracked: TrackedOrder) -> CcxtCall:
    """Returns the request to cancel the remaining quantity of an order."""
    is_stop = tracked.is_waiting or tracked.order_type in TRIGGERED_TYPES
    params: dict[str, object] = (
        {"trigger": True} if is_stop and tracked.triggered_order_id is None else {}
    )
    return CcxtCall(
        method="cancel_order", args=(tracked.current_order_id, tracked.symbol), params=params
    )


def encode_request(
    tracked: TrackedOrder,
    call: CcxtCall | None,
    qty: Decimal,
    price: Decimal | None,
    amend_mode: AmendMode | None = None,
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
    return dumps_fast(fields)


def decode_terms(row: AttemptRow) -> tuple[Decimal, Decimal | None]:
    """Returns quantity and price of a stored request."""
    fields = json.loads(row.request)
    price = fields.get("price")
    return parse_decimal(fields["qty"]), None if price is None else parse_decimal(price)


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
    tracked: TrackedOrder, client_id: str, qty: Decimal, price: Decimal | None, before: Decimal
) -> TrackedOrder:
    """Returns the order that replaces ``tracked``; ``qty`` is its own."""
    return TrackedOrder(
        order_id=tracked.order_id,
        symbol=tracked.symbol,
        side=tracked.side,
        order_type=tracked.order_type,
        qty=qty,
        price=price,
        created_at=tracked.created_at,
        client_id=client_id,
        params=tracked.params,
        first_exchange_order_id=tracked.reported_order_id,
        filled_before=before,
        is_waiting=tracked.is_waiting,
        has_separate_trigger=tracked.has_separate_trigger,
    )


def track_order(order: Order, profile: VenueProfile) -> TrackedOrder:
    """Returns the tracked order of a ledger's order; its executions are read again."""
    is_triggered = order.triggered_at is not None or order.order_type not in TRIGGERED_TYPES
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
        has_separate_trigger=profile.waits_separately(order.symbol, order.order_type),
    )


def compute_deadline(order: Order, now: datetime, seconds: float) -> datetime:
    """Returns the time until which a request to place ``order`` may be sent."""
    requested = order.params.get("deadline_ms")
    if isinstance(requested, int) and not isinstance(requested, bool):
        seconds = min(seconds, requested / 1000)
    return now + timedelta(seconds=seconds)


def _trigger_param(order: Order, profile: VenueProfile) -> str:
    """The parameter of the trigger price."""
    if not profile.has_typed_triggers:
        return "triggerPrice"
    return "stopLossPrice" if order.order_type.startswith("stop") else "takeProfitPrice"


def _direction(order: Order) -> str:
    """The direction in which the price meets the trigger: a stop buys above and sells below."""
    is_stop = order.order_type.startswith("stop")
    return "ascending" if (order.side is Side.BUY) is is_stop else "descending"
