"""Several take-profit levels of a position: their prices, and what each closes.

Shares are percent of the position as it was before the first target; at most 100 together. What is
closed is computed from what is held when a target is reached: held × share / (100 − shares of the
targets reached before). So entries and closes in between change the quantities, all targets
together never close more than is held, and the last of a whole 100 closes the rest with its dust.
"""

from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction

from oms.domain.errors import Refused
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, multiply, round_down_to_step, subtract
from oms.domain.protection.level_prices import level_from_percent, refuse_levels
from oms.domain.protection.levels import NO_LEVELS, Levels, PendingClose, Target
from oms.domain.side import Side
from oms.domain.value import evolve

TARGETS_MAX = 5
_ALL = Fraction(100)


def priced_targets(
    side: Side, base: Decimal, targets: tuple[Target, ...] | None, tick: Decimal
) -> tuple[Target, ...] | None:
    """Return the targets with the prices of those in percent; reached ones stay as they are."""
    if targets is None:
        return None
    is_above = side is Side.BUY
    return tuple(
        each
        if each.pct is None or each.is_reached
        else evolve(each, price=level_from_percent(base, each.pct, tick, is_above=is_above))
        for each in targets
    )


def reached_targets(position: Position, price: Decimal) -> tuple[int, ...]:
    """Return the indexes of the targets that ``price`` reaches and that were not reached yet."""
    targets = (position.levels or NO_LEVELS).targets or ()
    is_long = position.side is Side.BUY
    return tuple(
        index
        for index, each in enumerate(targets)
        if each.price is not None
        and not each.is_reached
        and (price >= each.price if is_long else price <= each.price)
    )


def with_reached(levels: Levels, reached: Collection[int]) -> Levels:
    """Return the levels with these targets noted as reached."""
    targets = levels.targets or ()
    return evolve(
        levels,
        targets=tuple(
            evolve(each, is_reached=True) if index in reached else each
            for index, each in enumerate(targets)
        ),
    )


def share_of(
    position: Position, reached: Collection[int], instrument: Instrument
) -> Decimal | None:
    """Return what targets close that are reached now: down to the step; ``None``: all.

    What is too small for an order is left to the targets that follow, 0 is returned.
    """
    targets = (position.levels or NO_LEVELS).targets or ()
    taken = sum((Fraction(each.qty_pct) for each in targets if each.is_reached), Fraction(0))
    share = sum((Fraction(targets[index].qty_pct) for index in reached), Fraction(0))
    if taken + share >= _ALL:
        return None
    held = Fraction(position.qty.copy_abs())
    steps = held * share / (_ALL - taken) // Fraction(instrument.step)
    qty = multiply(instrument.step, Decimal(int(steps)))
    price = min(targets[index].price or ZERO for index in reached)
    is_spot = instrument.kind is InstrumentKind.SPOT  # Elsewhere closes have no minimum.
    if is_spot and instrument.notional(qty, price) < instrument.min_notional:
        return ZERO
    return qty


def open_share(position: Position, pending: PendingClose, step: Decimal) -> Decimal | None:
    """Return what is left to close of a close that levels caused; ``None``: all of the position."""
    if pending.closed_until is None:
        return None
    rest = round_down_to_step(max(subtract(pending.closed_until, position.qty_closed), ZERO), step)
    return None if rest >= position.qty.copy_abs() else rest


def may_trail(levels: Levels) -> bool:
    """Return whether enough targets were reached for the trailing stop."""
    if levels.stop_trailing_from_target is None or levels.targets is None:
        return True
    reached = sum(each.is_reached for each in levels.targets)
    return reached >= min(levels.stop_trailing_from_target, len(levels.targets))


def refuse_targets(
    side: Side,
    stop_loss: Decimal | None,
    targets: tuple[Target, ...] | None,
    market: Decimal | None,
) -> Refused | None:
    """Refuse a target on the losing side of the ``market`` price, if known, or of the stop loss."""
    for each in targets or ():
        if not each.is_reached:
            refused = refuse_levels(side, stop_loss, each.price, market, gain_name="target")
            if refused is not None:
                return refused
    return None
