"""Prices of stop levels: from percentages, and which of them are refused."""

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from oms.domain.errors import Refused
from oms.domain.money import decimal_text, multiply
from oms.domain.protection.levels import Levels
from oms.domain.side import Side


def level_from_percent(
    base: Decimal, percent: Decimal, tick: Decimal, *, is_above: bool
) -> Decimal:
    """Return the price ``percent`` above or below ``base``: at a tick, at least one tick away.

    Halves are rounded to even.
    """
    size = Fraction(tick)
    start, distance = Fraction(base) / size, Fraction(percent) / 100
    if is_above:
        ticks = max(round(start * (1 + distance)), math.ceil(start + 1))
    else:
        ticks = max(min(round(start * (1 - distance)), math.floor(start - 1)), 1)
    return multiply(tick, Decimal(ticks))


def percent_prices(
    side: Side, base: Decimal, levels: Levels | None, tick: Decimal
) -> tuple[Decimal | None, Decimal | None]:
    """Return stop loss and stop gain that the percentages give for a position of ``side``."""
    if levels is None:
        return None, None
    is_long, loss, gain = side is Side.BUY, levels.stop_loss_pct, levels.stop_gain_pct
    return (
        None if loss is None else level_from_percent(base, loss, tick, is_above=not is_long),
        None if gain is None else level_from_percent(base, gain, tick, is_above=is_long),
    )


def refuse_percent(side: Side, levels: Levels | None) -> Refused | None:
    """Refuse percentages that lead to a price of 0 or below for a position of ``side``."""
    if levels is None:
        return None
    falling = "stop_loss_pct" if side is Side.BUY else "stop_gain_pct"
    activation = None if side is Side.BUY else levels.stop_trailing_activation_pct
    targets = () if side is Side.BUY else levels.targets or ()
    named = [(falling, getattr(levels, falling)), ("activation", activation)]
    named += [("target", each.pct) for each in targets]
    for name, percent in named:
        if percent is not None and percent >= 100:
            return Refused(
                code="validation_error",
                reason="invalid_stops",
                message=f"{name} {decimal_text(percent)} of a position of side {side.value}"
                " must be below 100",
                limit=Decimal(100),
                value=percent,
                set_by="position",
            )
    return None


def refuse_levels(
    side: Side,
    stop_loss: Decimal | None,
    stop_gain: Decimal | None,
    market: Decimal | None,
    gain_name: str = "stop_gain",
) -> Refused | None:
    """Refuse stop levels that would close a position of ``side`` at once, or can never both act.

    A stop loss lies on the losing side of the ``market`` price, where it is known, and of the stop
    gain.
    """
    prices = (("stop_loss", stop_loss), ("the price", market), (gain_name, stop_gain))
    known = [(name, price) for name, price in prices if price is not None]
    for (name, price), (other, limit) in pairwise(known):
        is_ordered = price < limit if side is Side.BUY else price > limit
        if not is_ordered:
            return _invalid_level(name, price, other, limit, side)
    return None


def _invalid_level(name: str, price: Decimal, other: str, limit: Decimal, side: Side) -> Refused:
    direction = "below" if side is Side.BUY else "above"
    message = (
        f"{name} {decimal_text(price)} must be {direction} {other} {decimal_text(limit)}"
        f" for a position of side {side.value}"
    )
    return Refused(
        code="validation_error",
        reason="invalid_stops",
        message=message,
        limit=limit,
        value=price,
        set_by="position",
    )
