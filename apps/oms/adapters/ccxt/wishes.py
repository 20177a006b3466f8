"""A wish and its request: what an order, a change or a cancel is in ccxt's words.

The request is kept as JSON with the attempt, enough to know the order again after a crash.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from oms.adapters.ccxt.known import Known
from oms.adapters.ccxt.rules import VenueRules
from oms.domain.account import PositionMode
from oms.domain.command import LIMIT_TYPES
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, Kind
from oms.domain.money import EXACT, decimal, plain
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


def refuse_form(order: Order, instrument: Instrument, rules: VenueRules) -> None:
    """Raises ``Invalid`` for forms that are not sent natively."""
    message = None
    if order.order_type == TRAILING:
        message = "trailing stops are not sent to this exchange"
    elif order.expires_at is not None or order.time_in_force == "GTD":
        message = "orders that expire by themselves are not sent to this exchange"
    elif order.trigger_price is not None and instrument.kind in rules.stops_apart:
        message = "orders with a trigger are not sent to this exchange"
    if message is not None:
        raise Invalid(message, code="order_type_not_supported")


def refuse_change(instrument: Instrument, rules: VenueRules) -> None:
    """Raises ``Invalid`` where a change would make another order."""
    if instrument.kind not in rules.changes:
        message = "orders are not changed in place at this exchange: cancel it and send a new one"
        raise Invalid(message, code="order_type_not_supported")


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
        params[_trigger_word(order, instrument, venue)] = plain(order.trigger_price)
        if venue in _ASKS_DIRECTION and instrument.kind is not Kind.SPOT:
            params["triggerDirection"] = _direction(order)
    amount = EXACT.divide(order.qty, instrument.contract_size)
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
    amount = EXACT.divide(qty, instrument.contract_size)
    kind = "limit" if price is not None else "market"
    args = (known.exchange_order_id, known.symbol, kind, known.side.value, amount, price)
    return Call(method="edit_order", args=args, params={})


def cancel_call(known: Known) -> Call:
    """The request to cancel what is left of an order."""
    is_stop = known.is_waiting or known.order_type in TRIGGERED_TYPES
    params: dict[str, object] = {"trigger": True} if is_stop else {}
    return Call(method="cancel_order", args=(known.exchange_order_id, known.symbol), params=params)


def request_text(known: Known, call: Call | None, qty: Decimal, price: Decimal | None) -> str:
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
    return dumps_plain(told)


def terms_of_row(row: AttemptRow) -> tuple[Decimal, Decimal | None]:
    """Quantity and price that a stored request wishes."""
    told = json.loads(row.request)
    price = told.get("price")
    return decimal(told["qty"]), None if price is None else decimal(price)


def known_of_order(order: Order) -> Known:
    """An order as the ledger has it; what was executed is heard again."""
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
    )


def deadline_of(order: Order, now: datetime, seconds: float) -> datetime:
    """Until when a request to place ``order`` may leave."""
    wished = order.params.get("deadline_ms")
    if isinstance(wished, int) and not isinstance(wished, bool):
        seconds = min(seconds, wished / 1000)
    return now + timedelta(seconds=seconds)


def _trigger_word(order: Order, instrument: Instrument, venue: str) -> str:
    """The parameter that a trigger goes by."""
    if venue not in _TELLS_GAINS_APART or instrument.kind is not Kind.SPOT:
        return "triggerPrice"
    return "stopLossPrice" if order.order_type.startswith("stop") else "takeProfitPrice"


def _direction(order: Order) -> str:
    """Where the price comes from a trigger is met: a stop buys above and sells below."""
    is_stop = order.order_type.startswith("stop")
    return "ascending" if (order.side is Side.BUY) is is_stop else "descending"
