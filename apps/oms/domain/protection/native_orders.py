"""Native protection: orders that rest at the exchange and stand for the levels of a position.

Such an order is a reduce-only stop or take-profit order of the gateway for the whole position.
While it rests with the level and the size of the position, the watcher leaves that level alone.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.account import Account, Engine, PositionMode
from oms.domain.ledger.position import Position
from oms.domain.money import round_down_to_step
from oms.domain.orders.order import Order, OrderState
from oms.domain.orders.order_types import OCO_PARAM, TRAILING_STOP
from oms.domain.protection.levels import NO_LEVELS, Levels, NativeOrder, NativeState, StopKind
from oms.domain.protection.stop_rule import is_armed
from oms.domain.protection.stop_settings import PriceMode, ProtectionMode
from oms.domain.value import evolve

NATIVE_TYPES: Mapping[StopKind, str] = {
    StopKind.LOSS: "stop_market",
    StopKind.GAIN: "take_profit_market",
    StopKind.TRAILING: TRAILING_STOP,
}
"""The type of the order that stands for a level."""

_FIELDS: Mapping[StopKind, str] = {StopKind.LOSS: "stop_loss", StopKind.GAIN: "stop_gain"}
#: Prices of the gateway's that the last price of the exchange may stand for.
_PRICE_MODES = (PriceMode.BID_ASK, PriceMode.LAST)
_LIVE = (OrderState.SUBMITTED, OrderState.PARTIALLY_FILLED)
_REASONS = frozenset(kind.value for kind in NATIVE_TYPES)


class Protection(StrEnum):
    """Who closes a position at its levels."""

    NONE = "none"
    NATIVE = "native"
    EMULATED = "emulated"


def is_native(order: Order) -> bool:
    """Return whether the order stands for a level of the position that its group names.

    Orders that an exchange made of another one, as of a pair or with exits, do not.
    """
    is_own = order.group_id is not None and order.parent_order_id is None
    return is_own and order.reason in _REASONS and OCO_PARAM not in order.params


def may_use_native(account: Account) -> bool:
    """Return whether levels of the account may rest at its exchange, where that takes them.

    A position must be one at the exchange too: tickets, and those of strategies, are not.
    """
    settings = account.stops
    if account.position_mode is not PositionMode.NETTING:
        return False
    if settings.price_mode not in _PRICE_MODES:
        return False
    if settings.protection is ProtectionMode.AUTO:
        return account.engine is not Engine.PAPER
    return settings.protection is ProtectionMode.NATIVE


def native_levels(
    account: Account, position: Position, now: datetime, *, holds_trailing: bool = False
) -> Mapping[StopKind, Decimal]:
    """Return the levels that are to rest at the exchange, by kind; of a trailing stop the distance.

    A position with several targets or a maximum holding time is watched as a whole, and so is one
    that is too young to be closed, or has a trailing stop that does not rest at the exchange
    (``holds_trailing``). A trailing stop that is not active yet is watched until it is.
    """
    levels = position.levels or NO_LEVELS
    if not may_use_native(account) or levels.max_hold_seconds is not None:
        return {}
    if levels.targets is not None or (levels.is_trailing and not holds_trailing):
        return {}
    if now - position.opened_at < account.stops.min_age:
        return {}
    prices = {kind: getattr(position, name) for kind, name in _FIELDS.items()}
    if levels.stop_trailing_best is not None:
        prices[StopKind.TRAILING] = levels.trailing_distance
    return {kind: price for kind, price in prices.items() if price is not None}


def native_quantity(position: Position, step: Decimal) -> Decimal:
    """Return the quantity that an order at the exchange closes: all of the position."""
    return round_down_to_step(position.qty.copy_abs(), step)


def state_of_open(record: NativeOrder, order: Order, level: Decimal, qty: Decimal) -> NativeState:
    """Return the state of a native order that is open, for a position with ``level`` and ``qty``.

    One that is being executed has less left than was requested, as the position has. A person may
    have changed its trigger.
    """
    if order.state not in _LIVE or order.pending_change is not None:
        return NativeState.PLACING
    is_changed = record.trigger not in (None, order.trigger_price)
    is_equal = record.level == level and order.remaining_qty == qty and not is_changed
    return NativeState.RESTING if is_equal else NativeState.OUTDATED


def surplus_orders(
    orders: Iterable[Order], levels: Levels, wanted: Collection[StopKind]
) -> list[Order]:
    """Return native orders to cancel: of levels that are gone or failed, and replaced ones.

    The order that is replaced goes once the new one rests; so no more than two rest for a level.
    """
    orders = list(orders)
    kept: set[int] = set()
    for record in levels.native:
        if record.kind in wanted:
            order_type = NATIVE_TYPES[record.kind]
            kept |= _kept_ids(record, {o.id for o in orders if o.order_type == order_type})
    return [order for order in orders if order.id not in kept]


def _kept_ids(record: NativeOrder, order_ids: Collection[int]) -> set[int]:
    """Return which open orders for a level stay: its own, and until that rests the one before."""
    if record.state is NativeState.FAILED:
        return set()
    own = {each for each in order_ids if each == record.order_id}
    rests = own and record.state is not NativeState.PLACING
    before = [] if rests or record.state is NativeState.RESTING else sorted({*order_ids} - own)
    return {*own, *before[-1:]}


def watched_part(position: Position) -> Position:
    """Return the position without the levels that rest at the exchange.

    One that was changed since its order was last looked at does not. A trailing stop at the
    exchange starts at the price of its arrival: it counts once there was a better price since.
    """
    levels = position.levels
    if levels is None or not levels.native:
        return position
    for each in levels.native:
        if each.state is not NativeState.RESTING:
            continue
        if each.kind is StopKind.TRAILING:
            if each.level == levels.trailing_distance and each.best != levels.stop_trailing_best:
                watched = evolve(levels, stop_trailing_pct=None, stop_trailing_amount=None)
                position = evolve(position, levels=watched)
        elif each.level == getattr(position, _FIELDS[each.kind]):
            position = evolve(position, **{_FIELDS[each.kind]: None})
    return position


def protection_of(position: Position) -> Protection:
    """Return who closes the position: ``native`` only if every level rests at the exchange."""
    if not is_armed(position):
        return Protection.NONE
    return Protection.EMULATED if is_armed(watched_part(position)) else Protection.NATIVE
