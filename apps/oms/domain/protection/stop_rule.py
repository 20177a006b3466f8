"""The rule that decides whether stop levels close a position at a price.

It is pure: position, price and time give the trigger, and the best price that a trailing stop has
seen. A trailing stop only tightens; the tighter of it and ``stop_loss`` counts and gives the
reason.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.ledger.position import Position
from oms.domain.money import multiply, subtract
from oms.domain.protection.levels import Levels, StopKind
from oms.domain.protection.targets import may_trail, reached_targets
from oms.domain.side import Side
from oms.domain.value import value

_HUNDRED, _PERCENT = Decimal(100), Decimal("0.01")


@value
class StopDecision:
    """What the levels of a position say at a price."""

    #: ``None``: the position stays open.
    kind: StopKind | None = None
    #: The level that was reached; ``None`` for the maximum holding time.
    level: Decimal | None = None
    #: Indexes of the targets that were reached; then only their share is closed.
    targets: tuple[int, ...] = ()
    #: Best price for the trailing stop, ``None`` while it is not active.
    best: Decimal | None = None


def is_armed(position: Position) -> bool:
    """Return whether stop levels may close the position."""
    levels = position.levels
    has_price = position.stop_loss is not None or position.stop_gain is not None
    return (has_price or (levels is not None and levels.acts)) and position.is_open


def decide_stop(
    position: Position, price: Decimal | None, now: datetime, min_age: timedelta = timedelta(0)
) -> StopDecision:
    """Return what the levels say; without a ``price`` only the maximum holding time counts."""
    levels = position.levels
    age = now - position.opened_at
    best = track_best(position, price)
    held_max = None if levels is None else levels.max_hold_seconds
    if held_max is not None and age >= timedelta(seconds=held_max):
        return StopDecision(kind=StopKind.TIMEOUT, best=best)
    if price is None or age < min_age:
        return StopDecision(best=best)
    is_long = position.side is Side.BUY
    stop, kind = position.stop_loss, StopKind.LOSS
    trailing = trailing_stop(position, best)
    if trailing is not None and (stop is None or (trailing > stop if is_long else trailing < stop)):
        stop, kind = trailing, StopKind.TRAILING
    if stop is not None and (price <= stop if is_long else price >= stop):
        return StopDecision(kind=kind, level=stop, best=best)
    gain = position.stop_gain
    if gain is not None and (price >= gain if is_long else price <= gain):
        return StopDecision(kind=StopKind.GAIN, level=gain, best=best)
    if levels is not None and levels.targets is not None:
        reached = reached_targets(position, price)
        if reached:
            level = levels.targets[reached[0]].price
            return StopDecision(kind=StopKind.GAIN, level=level, targets=reached, best=best)
    return StopDecision(best=best)


def track_best(position: Position, price: Decimal | None) -> Decimal | None:
    """Return the best price for the trailing stop; ``None`` while that is not active."""
    levels = position.levels
    if levels is None:
        return None
    if price is None or not levels.is_trailing:
        return levels.stop_trailing_best
    return _best_price(position, levels, price)


def trailing_stop(position: Position, best: Decimal | None) -> Decimal | None:
    """Return the price of the trailing stop, ``None`` if it is not active."""
    levels = position.levels
    if best is None or levels is None or not levels.is_trailing:
        return None
    if levels.stop_trailing_pct is not None:
        distance = multiply(best, multiply(levels.stop_trailing_pct, _PERCENT))
    else:
        assert levels.stop_trailing_amount is not None, "one of the two distances is set"
        distance = levels.stop_trailing_amount
    is_long = position.side is Side.BUY
    return subtract(best, distance if is_long else distance.copy_negate())


def _best_price(position: Position, levels: Levels, price: Decimal) -> Decimal | None:
    """Return the best price since the trailing stop became active, ``None`` if it is not."""
    if not may_trail(levels):
        return None
    is_long, best = position.side is Side.BUY, levels.stop_trailing_best
    if best is not None:
        return max(best, price) if is_long else min(best, price)
    activation = levels.stop_trailing_activation_pct
    if activation:
        percent = _HUNDRED + activation if is_long else _HUNDRED - activation
        start = multiply(position.avg_price, multiply(percent, _PERCENT))
        if price < start if is_long else price > start:
            return None
    return price
