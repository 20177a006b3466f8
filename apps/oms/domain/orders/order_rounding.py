"""Rounding of orders and of stop levels of positions to the step sizes of the instrument.

Quantities are rounded down. Limit prices are rounded to the passive side, away from the market;
trigger prices to the side that fires earlier. With ``params.precision`` set to ``refuse`` a request
and later changes of its order are left unchanged, and admission refuses values off the grid. The
command keeps the requested values; the order has the rounded ones, beside the requested quantity
and price.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from oms.domain.commands.command import (
    ChangeOrder,
    ChangePosition,
    ClosePosition,
    MergePositions,
    SendOrder,
)
from oms.domain.instrument import Instrument
from oms.domain.money import add, multiply, round_down_to_step
from oms.domain.orders.order import Order
from oms.domain.orders.order_types import TAKE_PROFIT_TYPES
from oms.domain.protection.levels import Target
from oms.domain.side import Side
from oms.domain.value import evolve

_ALL_PERCENT, _PERCENT = Decimal(100), Decimal("0.01")

Request = TypeVar("Request", SendOrder, ClosePosition, ChangeOrder, ChangePosition, MergePositions)
LevelRequest = TypeVar("LevelRequest", ChangePosition, MergePositions)

_NO_PRICES = (None,) * 5

Rounding = Callable[[Decimal, Side, Decimal], Decimal]
"""Returns a price at a tick, from the price, the side of its order and the tick."""


def round_send_order(request: SendOrder, instrument: Instrument) -> SendOrder:
    """Return the request with all values rounded."""
    if is_rounding_refused(request.params):
        return request
    qty = round_down_to_step(request.qty, instrument.step)
    if request.targets is not None:
        targets = _round_targets(request.targets, request.side.opposite, instrument.tick)
        request = evolve(request, targets=targets)
    if (
        request.price,
        request.trigger_price,
        request.take_profit_price,
        request.stop_loss,
        request.stop_gain,
    ) == _NO_PRICES:  # as of most market orders
        return request if qty == request.qty else evolve(request, qty=qty)
    exit_side, tick = request.side.opposite, instrument.tick
    trigger = _round_trigger(request.trigger_price, request.side, request.order_type, tick)
    return _with(
        request,
        qty=qty,
        price=_optional(round_limit, request.price, request.side, tick),
        trigger_price=trigger,
        take_profit_price=None if request.take_profit_price is None else trigger,
        stop_loss=_optional(round_stop, request.stop_loss, exit_side, tick),
        stop_gain=_optional(round_gain, request.stop_gain, exit_side, tick),
    )


def round_close_position(
    request: ClosePosition, side: Side, instrument: Instrument
) -> ClosePosition:
    """Return the request with all values rounded; ``side`` is the side of the closing order."""
    if is_rounding_refused(request.params):
        return request
    tick = instrument.tick
    return _with(
        request,
        qty=None if request.qty is None else round_down_to_step(request.qty, instrument.step),
        price=_optional(round_limit, request.price, side, tick),
        trigger_price=_round_trigger(request.trigger_price, side, request.order_type, tick),
    )


def with_percent_quantity(
    request: ClosePosition, held: Decimal, instrument: Instrument
) -> ClosePosition:
    """Return the request with the quantity of its percentage, down to the step; 100 is all."""
    if request.qty_pct is None:
        return request
    if request.qty_pct == _ALL_PERCENT:
        return evolve(request, qty_pct=None)
    share = multiply(held, multiply(request.qty_pct, _PERCENT))
    return evolve(request, qty=round_down_to_step(share, instrument.step), qty_pct=None)


def round_change_order(request: ChangeOrder, order: Order, instrument: Instrument) -> ChangeOrder:
    """Return the change of ``order`` with all values rounded."""
    qty, side, trigger = request.new_qty, order.side, request.new_trigger_price
    return _with(
        request,
        new_trigger_price=_round_trigger(trigger, side, order.order_type, instrument.tick),
        new_qty=None if qty is None else round_down_to_step(qty, instrument.step),
        new_price=_optional(round_limit, request.new_price, side, instrument.tick),
    )


def round_levels(request: LevelRequest, side: Side, instrument: Instrument) -> LevelRequest:
    """Return the request with its stop levels rounded; ``side`` is the side of the position."""
    levels: dict[str, Decimal | None] = {}
    for name, fit in (("stop_loss", round_stop), ("stop_gain", round_gain)):
        level = getattr(request, name)
        if isinstance(level, Decimal):
            levels[name] = fit(level, side.opposite, instrument.tick)
    if isinstance(request, ChangePosition) and isinstance(request.targets, tuple):
        targets = _round_targets(request.targets, side.opposite, instrument.tick)
        request = evolve(request, targets=targets)
    return _with(request, **levels)


def _round_targets(targets: tuple[Target, ...], side: Side, tick: Decimal) -> tuple[Target, ...]:
    return tuple(
        each if each.price is None else evolve(each, price=round_gain(each.price, side, tick))
        for each in targets
    )


def _with(request: Request, **values: Decimal | None) -> Request:
    """Return the request with the values; the request itself, as most are, if it has them."""
    changed = {name: each for name, each in values.items() if each != getattr(request, name)}
    return evolve(request, **changed) if changed else request


def is_rounding_refused(params: Mapping[str, object]) -> bool:
    """Return whether the order is to be refused instead of rounded."""
    return params.get("precision") == "refuse"


def round_limit(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Round a limit price away from the market: a buy down, a sell up."""
    return _round_to_tick(price, tick, up=side is Side.SELL)


def round_stop(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Round a stop to fire earlier: a buy stop triggers on a rise, a sell stop on a fall."""
    return _round_to_tick(price, tick, up=side is Side.SELL)


def round_gain(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Round a take profit to fire earlier: a buy triggers on a fall, a sell on a rise."""
    return _round_to_tick(price, tick, up=side is Side.BUY)


def _round_trigger(
    price: Decimal | None, side: Side, order_type: str, tick: Decimal
) -> Decimal | None:
    round_early = round_gain if order_type in TAKE_PROFIT_TYPES else round_stop
    return _optional(round_early, price, side, tick)


def _optional(fit: Rounding, price: Decimal | None, side: Side, tick: Decimal) -> Decimal | None:
    return None if price is None else fit(price, side, tick)


def _round_to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """Round to a tick.

    Values below the first tick become the first tick, since no price is zero.
    """
    below = round_down_to_step(price, tick)
    return add(below, tick) if below != price and (up or not below) else below
