"""Which orders a signal needs, given what its scope holds of the symbol.

Exposure on the other side is reduced first, the oldest position before others; then it is opened::

    buy             closes short positions; without any it opens, or adds to, a long one
    sell            closes long positions; without any it opens a short one, if nothing is held
    close           closes all positions
    position_size   closes the other side, then brings the own side to the size

What remains of a quantity after a reduction is dropped, unless the source reverses: then it is
opened once the reduction is filled. Without a quantity all of the other side is closed, and a
reversal is sized by the rules of the source.
"""

from collections.abc import Sequence
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, add, multiply, round_down_to_step, subtract, total
from oms.domain.side import Side
from oms.domain.signals.signal import ExecuteSignal, SignalAction
from oms.domain.signals.sizing import size_of_member
from oms.domain.value import value

NO_POSITION = "no_position"
SHORT_NOT_ALLOWED = "short_not_allowed"
SIZE_REACHED = "size_reached"
EXPIRED_IN_QUEUE = "expired_in_queue"
MIN_ORDER_QTY = "min_order_qty"

_PERCENT = Decimal("0.01")


@value
class Holding:
    """An open position of the scope; ``qty`` is signed."""

    position_id: int
    qty: Decimal


@value
class Reduction:
    """Close ``qty`` of a position, ``None``: all of it."""

    position_id: int
    qty: Decimal | None = None


@value
class Opening:
    """Open exposure; ``qty`` ``None``: sized when it is sent."""

    side: Side
    qty: Decimal | None = None


@value
class SignalPlan:
    """The orders of a signal, reductions first; without any, ``ignored`` says why."""

    reductions: tuple[Reduction, ...] = ()
    opening: Opening | None = None
    ignored: str | None = None
    #: Why what it asks for cannot be ordered, or not after the reductions.
    blocked: str | None = None


def cancels_entries(signal: ExecuteSignal) -> bool:
    """Return whether working entry orders are canceled before positions are closed."""
    is_flat = signal.action is SignalAction.POSITION_SIZE and signal.position_size == 0
    return signal.action is SignalAction.CLOSE or is_flat


def plan_signal(
    signal: ExecuteSignal,
    held: Sequence[Holding],
    instrument: Instrument,
    *,
    can_short: bool,
    qty: Decimal | None,
) -> SignalPlan:
    """Return the orders that bring the scope to what the signal asks for.

    ``held`` are the positions of the scope in the symbol, oldest first. ``qty`` is the quantity of
    the message in base, ``None`` if it has none.
    """
    match signal.action:
        case SignalAction.CLOSE:
            reductions = tuple(Reduction(position_id=each.position_id) for each in held)
            return SignalPlan(reductions=reductions, ignored=None if held else NO_POSITION)
        case SignalAction.POSITION_SIZE:
            assert signal.position_size is not None, "the parser demands it"
            size = size_of_member(signal, instrument.step)
            if isinstance(size, Refused):
                return SignalPlan(blocked=size.reason)
            return _plan_size(size, held, instrument, can_short=can_short)
        case SignalAction.BUY | SignalAction.SELL:
            side = Side(signal.action.value)
            opposite = [each for each in held if _is_opposite(each, side)]
            if opposite:
                return _plan_reduction(signal, side, opposite, held, instrument, can_short, qty)
            if side is Side.SELL and (held or not can_short):
                return SignalPlan(ignored=SHORT_NOT_ALLOWED)
            return SignalPlan(opening=Opening(side=side, qty=qty))


def _plan_reduction(
    signal: ExecuteSignal,
    side: Side,
    opposite: Sequence[Holding],
    held: Sequence[Holding],
    instrument: Instrument,
    can_short: bool,
    qty: Decimal | None,
) -> SignalPlan:
    exposure = total(each.qty.copy_abs() for each in opposite)
    if signal.qty_pct is not None:
        share = multiply(exposure, multiply(signal.qty_pct, _PERCENT))
        closing = min(share, exposure)
        rest: Decimal | None = ZERO
    elif qty is None:
        closing, rest = exposure, None
    else:
        closing = min(qty, exposure)
        rest = subtract(qty, closing)
    opens = signal.rules.reverse and (rest is None or rest >= instrument.step)
    is_possible = side is Side.BUY or (can_short and len(opposite) == len(held))
    opening = Opening(side=side, qty=rest) if opens and is_possible else None
    reductions = _reduce(opposite, closing, instrument.step)
    blocked = None if reductions else MIN_ORDER_QTY
    return SignalPlan(reductions=reductions, opening=opening, blocked=blocked)


def _plan_size(
    size: Decimal, held: Sequence[Holding], instrument: Instrument, *, can_short: bool
) -> SignalPlan:
    side = Side.BUY if size >= 0 else Side.SELL
    wanted = round_down_to_step(size.copy_abs(), instrument.step)
    opposite = [each for each in held if _is_opposite(each, side)]
    own = [each for each in held if not _is_opposite(each, side)]
    reductions = tuple(Reduction(position_id=each.position_id) for each in opposite)
    missing = subtract(wanted, total(each.qty.copy_abs() for each in own))
    if missing < 0:
        reductions += _reduce(own, missing.copy_abs(), instrument.step)
    if missing < instrument.step:
        return SignalPlan(reductions=reductions, ignored=None if reductions else SIZE_REACHED)
    if side is Side.BUY or can_short:
        opening = Opening(side=side, qty=round_down_to_step(missing, instrument.step))
        return SignalPlan(reductions=reductions, opening=opening)
    if reductions:
        return SignalPlan(reductions=reductions, blocked=SHORT_NOT_ALLOWED)
    return SignalPlan(ignored=SHORT_NOT_ALLOWED)


def _is_opposite(each: Holding, side: Side) -> bool:
    return (each.qty < 0) == (side is Side.BUY)


def _reduce(positions: Sequence[Holding], closing: Decimal, step: Decimal) -> tuple[Reduction, ...]:
    """Return how ``closing`` is taken from positions, the first ones first."""
    reductions: list[Reduction] = []
    taken = ZERO
    for each in positions:
        left = subtract(closing, taken)
        if left <= 0:
            break
        size = each.qty.copy_abs()
        if left >= size:
            reductions.append(Reduction(position_id=each.position_id))
            taken = add(taken, size)
        else:
            qty = round_down_to_step(left, step)
            if qty:
                reductions.append(Reduction(position_id=each.position_id, qty=qty))
            break
    return tuple(reductions)
