"""A wish and its request: what an order, a change or a cancel is in ccxt's words.

The request is kept as JSON with the attempt, enough to know the order again after a crash.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from oms.adapters.ccxt.known import Known
from oms.adapters.ccxt.rules import VenueRules
from oms.domain.account import PositionMode
from oms.domain.command import LIMIT_TYPES
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, Kind
from oms.domain.money import EXACT, ZERO, decimal, difference, plain
from oms.domain.order import Order, OrderState
from oms.domain.order_forms import TRAILING, TRIGGERED_TYPES
from oms.domain.side import Side
from oms.domain.value import evolve, value
from oms.ports.exchange import AttemptRow
from oms.wire.json import dumps_plain

PLACE, CHANGE, CANCEL = "place", "change", "cancel"
REVOKED = "revoked"
"""The code of a request that was taken back before it left."""
#: Keys of ``params`` that are ours and do not travel.
_OURS = frozenset({"sim", "precision", "deadline_ms"})
_NOTHING = (False, None, "none", "emulated")
#: Venues that ask on which side of the market a trigger lies, on contracts.
_ASKS_DIRECTION = frozenset({"bybit"})
#: Venues that tell a stop from a take profit by its type, and not by the side of the trigger.
_TELLS_GAINS_APART = frozenset({"binance"})


class Legs(Enum):
    """How the exchange holds contracts beside the ledger."""

    #: One position a symbol, here and there.
    ONE = "one"
    #: A long and a short leg there.
    TWO = "two"
    #: The exchange nets what is held apart here: what reduces ours may enlarge the net, so the
    #: exchange is not asked to refuse that.
    VIRTUAL = "virtual"


def legs_of(mode: PositionMode, *, is_hedged: bool) -> Legs:
    """For an account of ``mode`` at an exchange that holds two legs, or does not."""
    if is_hedged:
        return Legs.TWO
    return Legs.ONE if mode is PositionMode.NETTING else Legs.VIRTUAL


class Way(StrEnum):
    """How an order is given other terms."""

    #: It keeps its id and its place.
    NATIVE = "native"
    #: One request ends it and places another.
    REPLACE = "replace"
    #: It is canceled, and another one is placed by us.
    EMULATED = "emulated"


@value
class Call:
    """One ccxt method with its arguments."""

    method: str
    args: tuple[object, ...]
    params: Mapping[str, object]


@dataclass(slots=True, kw_only=True, eq=False)
class Wish:
    """One request on its way; ``row`` is its attempt as it stands."""

    kind: str
    known: Known
    row: AttemptRow
    deadline: datetime
    #: Terms wished by a change.
    qty: Decimal | None = None
    price: Decimal | None = None
    call: Call | None = None
    is_sending: bool = False
    is_revoked: bool = False
    #: It was not placed at first, and leaves once more under its name.
    is_resent: bool = False
    #: ``known.answers_heard`` when it was taken down.
    answers: int = 0
    #: Of a change: how.
    way: Way = Way.NATIVE
    #: Somebody waits until it is stored, to send it himself: it enters no lane.
    released: asyncio.Event | None = None
    #: Of a change that a restart found under way.
    is_resumed: bool = False
    #: Of a cancel: the id that it named.
    named_id: str | None = None


def refuse_form(order: Order, instrument: Instrument, rules: VenueRules) -> None:
    """Raises ``Invalid`` for forms that are not sent natively."""
    message = None
    if order.order_type == TRAILING:
        message = "trailing stops are not sent to this exchange"
    elif order.expires_at is not None or order.time_in_force == "GTD":
        message = "orders that expire by themselves are not sent to this exchange"
    elif order.trigger_price is not None and not rules.sends_stops(instrument.kind):
        message = "orders with a trigger are not sent to this exchange"
    elif order.time_in_force in rules.not_in_force.get(instrument.kind, ()):
        message = f"this exchange has no {order.time_in_force} here"
    elif _is_bought_by_cost(order) and instrument.kind in rules.buys_by_cost:
        message = "this exchange takes market orders to buy by cost alone, never by quantity"
    if message is not None:
        raise Invalid(message, code="order_type_not_supported")


def _is_bought_by_cost(order: Order) -> bool:
    return order.order_type == "market" and order.side is Side.BUY


def way_of_change(known: Known, kind: Kind, rules: VenueRules, left: Mapping[str, Any]) -> Way:
    """How it is done; ``left`` is what the account's settings leave of the capabilities."""
    edit = left.get("edit", True)
    if (edit.get(kind.value) if isinstance(edit, Mapping) else edit) in _NOTHING:
        return Way.EMULATED
    if known.is_apart and known.is_waiting:
        return Way.EMULATED
    if kind in rules.changes:
        return Way.NATIVE
    if kind in rules.replaces and known.order_type == "limit":
        return Way.REPLACE
    return Way.EMULATED


def place_call(order: Order, instrument: Instrument, venue: str, client_id: str) -> Call:
    """The request to place ``order``, of a form that is sent natively; ``with_legs`` ends it."""
    is_limit = order.order_type in LIMIT_TYPES
    params: dict[str, object] = {k: v for k, v in order.params.items() if k not in _OURS}
    params["clientOrderId"] = client_id
    if order.post_only or order.time_in_force == "PO":
        params["postOnly"] = True
    elif order.time_in_force not in (None, "GTC"):
        params["timeInForce"] = order.time_in_force
    if instrument.kind is not Kind.SPOT and order.reduce_only:
        params["reduceOnly"] = True
    if order.trigger_price is not None and order.order_type in TRIGGERED_TYPES:
        params[_trigger_word(order, venue)] = plain(order.trigger_price)
        if venue in _ASKS_DIRECTION and instrument.kind is not Kind.SPOT:
            params["triggerDirection"] = _direction(order)
    amount = EXACT.divide(order.qty, instrument.amount_unit)
    price = order.price if is_limit else None
    kind = "limit" if is_limit else "market"
    args = (order.symbol, kind, order.side.value, amount, price)
    return Call(method="create_order", args=args, params=params)


def with_legs(call: Call, instrument: Instrument, legs: Legs) -> Call:
    """The request to place an order, as an exchange that holds ``legs`` is told."""
    params = dict(call.params)
    if instrument.kind is not Kind.SPOT:
        match legs:
            case Legs.TWO:
                params["hedged"] = True
            case Legs.VIRTUAL:
                params.pop("reduceOnly", None)
    return evolve(call, params=params)


def change_call(known: Known, instrument: Instrument, qty: Decimal, price: Decimal | None) -> Call:
    """The request to give an order other terms; both are always sent."""
    amount = EXACT.divide(difference(qty, known.before), instrument.amount_unit)
    kind = "limit" if price is not None else "market"
    args = (known.live_id, known.symbol, kind, known.side.value, amount, price)
    return Call(method="edit_order", args=args, params={})


def replace_call(known: Known, new: Known, instrument: Instrument) -> Call:
    """The request that cancels ``known``, if nothing of it was executed, and places ``new``."""
    amount = EXACT.divide(new.qty, instrument.amount_unit)
    params = {**known.params, "clientOrderId": new.client_id, "cancelRestrictions": "ONLY_NEW"}
    args = (known.exchange_order_id, known.symbol, "limit", known.side.value, amount, new.price)
    return Call(method="edit_order", args=args, params=params)


def again_call(new: Known, instrument: Instrument) -> Call:
    """The request to place what is left of an order, as it was placed before."""
    kind = "limit" if new.order_type in LIMIT_TYPES else "market"
    amount = EXACT.divide(new.qty, instrument.amount_unit)
    price = new.price if kind == "limit" else None
    params = {**new.params, "clientOrderId": new.client_id}
    args = (new.symbol, kind, new.side.value, amount, price)
    return Call(method="create_order", args=args, params=params)


def cancel_call(known: Known) -> Call:
    """The request to cancel what is left of an order."""
    is_stop = known.is_waiting or known.order_type in TRIGGERED_TYPES
    params: dict[str, object] = {"trigger": True} if is_stop and known.placed_id is None else {}
    return Call(method="cancel_order", args=(known.live_id, known.symbol), params=params)


def request_text(
    known: Known,
    call: Call | None,
    qty: Decimal,
    price: Decimal | None,
    way: Way | None = None,
) -> str:
    """The request as JSON: the order's terms, and what is called with what."""
    told: dict[str, Any] = {
        "symbol": known.symbol,
        "side": known.side.value,
        "type": known.order_type,
        "qty": plain(qty),
        "price": None if price is None else plain(price),
    }
    if known.exchange_order_id is not None:
        told["id"] = known.exchange_order_id
    if call is not None:
        told |= {"method": call.method, "params": dict(call.params)}
    if known.before:
        told["before"] = plain(known.before)
    if way is not None:
        told["way"] = way.value
    return dumps_plain(told)


def terms_of_row(row: AttemptRow) -> tuple[Decimal, Decimal | None]:
    """Quantity and price that a stored request wishes."""
    told = json.loads(row.request)
    price = told.get("price")
    return decimal(told["qty"]), None if price is None else decimal(price)


def way_of_row(row: AttemptRow) -> Way:
    """How a stored change was to be made."""
    return Way(json.loads(row.request).get("way", Way.NATIVE))


def in_two_steps(row: AttemptRow) -> AttemptRow:
    """A stored change that one request could not make: it is canceled and placed anew."""
    told = json.loads(row.request) | {"way": Way.EMULATED.value}
    return evolve(row, request=dumps_plain(told))


def params_of_row(row: AttemptRow) -> Mapping[str, object]:
    """How a stored request to place asked for it, beside the terms."""
    told = json.loads(row.request).get("params", {})
    return {name: each for name, each in told.items() if name != "clientOrderId"}


def before_of_row(row: AttemptRow) -> Decimal:
    """What had been executed of the order before a stored request placed it anew."""
    told = json.loads(row.request).get("before")
    return ZERO if told is None else decimal(told)


def successor_of(
    known: Known, client_id: str, qty: Decimal, price: Decimal | None, before: Decimal
) -> Known:
    """What takes the place of ``known``: ``qty`` is its own."""
    return Known(
        order_id=known.order_id,
        symbol=known.symbol,
        side=known.side,
        order_type=known.order_type,
        qty=qty,
        price=price,
        created_at=known.created_at,
        client_id=client_id,
        params=known.params,
        first_id=known.told_id,
        before=before,
        is_waiting=known.is_waiting,
        is_apart=known.is_apart,
    )


def known_of_order(order: Order, rules: VenueRules) -> Known:
    """An order as the ledger has it; what was executed is heard again."""
    is_met = order.triggered_at is not None or order.order_type not in TRIGGERED_TYPES
    return Known(
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
        is_over=not order.is_open,
        is_waiting=rules.tells_waiting and not is_met,
        is_apart=rules.waits_apart(order.symbol, order.order_type),
    )


def deadline_of(order: Order, now: datetime, seconds: float) -> datetime:
    """Until when a request to place ``order`` may leave."""
    wished = order.params.get("deadline_ms")
    if isinstance(wished, int) and not isinstance(wished, bool):
        seconds = min(seconds, wished / 1000)
    return now + timedelta(seconds=seconds)


def _trigger_word(order: Order, venue: str) -> str:
    """The parameter that a trigger goes by."""
    if venue not in _TELLS_GAINS_APART:
        return "triggerPrice"
    return "stopLossPrice" if order.order_type.startswith("stop") else "takeProfitPrice"


def _direction(order: Order) -> str:
    """Where the price comes from a trigger is met: a stop buys above and sells below."""
    is_stop = order.order_type.startswith("stop")
    return "ascending" if (order.side is Side.BUY) is is_stop else "descending"
