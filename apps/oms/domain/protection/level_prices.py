"""How the stop levels of a position change: by an entry, by a command, with the average price."""

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.ledger.position import Position
from oms.domain.money import decimal_text, multiply
from oms.domain.orders.order import Order
from oms.domain.protection.levels import NO_LEVELS, SETTABLE, Levels, rearmed
from oms.domain.side import Side
from oms.domain.value import evolve


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


def with_percent_levels(position: Position, instrument: Instrument) -> Position:
    """Return the position with the prices of levels in percent computed from its average price."""
    loss, gain = percent_prices(position.side, position.avg_price, position.levels, instrument.tick)
    if loss in (None, position.stop_loss) and gain in (None, position.stop_gain):
        return position
    return evolve(
        position,
        stop_loss=position.stop_loss if loss is None else loss,
        stop_gain=position.stop_gain if gain is None else gain,
    )


def with_entry_levels(position: Position, order: Order | None, instrument: Instrument) -> Position:
    """Return the position after an entry: levels of the order replace its own, absent ones stay."""
    if order is not None and (
        order.stop_loss is not None or order.stop_gain is not None or order.levels is not None
    ):
        position = _replaced_by(position, order)
    return position if position.levels is None else with_percent_levels(position, instrument)


def _replaced_by(position: Position, order: Order) -> Position:
    sent = {name: getattr(order.levels or NO_LEVELS, name) for name in SETTABLE}
    changes = {name: each for name, each in sent.items() if each is not None}
    if order.stop_loss is not None:
        changes["stop_loss_pct"] = None
    if order.stop_gain is not None:
        changes["stop_gain_pct"] = None
    if "stop_trailing_pct" in changes:
        changes["stop_trailing_amount"] = None
    elif "stop_trailing_amount" in changes:
        changes["stop_trailing_pct"] = None
    before = position.levels or NO_LEVELS
    levels = evolve(before, **changes) if changes else before
    prices = {
        "stop_loss": position.stop_loss if order.stop_loss is None else order.stop_loss,
        "stop_gain": position.stop_gain if order.stop_gain is None else order.stop_gain,
    }
    if levels == before and prices == {n: getattr(position, n) for n in prices}:
        return position
    is_plain = position.levels is None and levels == NO_LEVELS
    is_new = position.levels is None
    return evolve(
        position,
        **prices,
        levels=None if is_plain else levels if is_new else rearmed(levels),
    )


def refuse_percent(side: Side, levels: Levels | None) -> Refused | None:
    """Refuse percentages that lead to a price of 0 or below for a position of ``side``."""
    if levels is None:
        return None
    falling = "stop_loss_pct" if side is Side.BUY else "stop_gain_pct"
    activation = None if side is Side.BUY else levels.stop_trailing_activation_pct
    for name, percent in ((falling, getattr(levels, falling)), ("activation", activation)):
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
    side: Side, stop_loss: Decimal | None, stop_gain: Decimal | None, market: Decimal | None
) -> Refused | None:
    """Refuse stop levels that would close a position of ``side`` at once, or can never both act.

    A stop loss lies on the losing side of the ``market`` price, where it is known, and of the stop
    gain.
    """
    prices = (("stop_loss", stop_loss), ("the price", market), ("stop_gain", stop_gain))
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
