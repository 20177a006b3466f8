"""Wishes for real exchanges, brought onto the instrument's grid: each number to its harmless side.

A quantity is cut and never enlarged. A limit goes to the passive side, away from the market, for
half a tick can cross it. A trigger goes to the side that fires earlier. ``params.precision`` set to
``refuse`` leaves a wish as it is: admission then refuses what is off the grid, as it does for paper
accounts. The command keeps what was asked for, the order what is sent.
"""

from decimal import Decimal

from oms.domain.commands.command import ChangeOrder, ClosePosition, SendOrder
from oms.domain.instrument import Instrument
from oms.domain.money import add, round_down_to_step
from oms.domain.side import Side
from oms.domain.value import evolve

_TAKES_PROFIT = frozenset({"take_profit_market", "take_profit_limit"})


def round_send_order(wish: SendOrder, instrument: Instrument) -> SendOrder:
    """The wish as it can be sent."""
    if _refuses(wish):
        return wish
    way_out = Side.SELL if wish.side is Side.BUY else Side.BUY
    tick = instrument.tick
    return evolve(
        wish,
        qty=round_down_to_step(wish.qty, instrument.step),
        price=_limit(wish.price, wish.side, tick),
        trigger_price=_trigger(wish.trigger_price, wish.side, wish.order_type, tick),
        stop_loss=_early(wish.stop_loss, way_out, tick),
        stop_gain=_early_gain(wish.stop_gain, way_out, tick),
    )


def round_close_position(wish: ClosePosition, side: Side, instrument: Instrument) -> ClosePosition:
    """The wish as it can be sent; ``side`` is the order's, opposite to the position's."""
    if _refuses(wish):
        return wish
    tick = instrument.tick
    return evolve(
        wish,
        qty=None if wish.qty is None else round_down_to_step(wish.qty, instrument.step),
        price=_limit(wish.price, side, tick),
        trigger_price=_trigger(wish.trigger_price, side, wish.order_type, tick),
    )


def round_change_order(wish: ChangeOrder, side: Side, instrument: Instrument) -> ChangeOrder:
    """The change as it can be sent; ``side`` is the order's."""
    qty = wish.new_qty
    return evolve(
        wish,
        new_qty=None if qty is None else round_down_to_step(qty, instrument.step),
        new_price=_limit(wish.new_price, side, instrument.tick),
    )


def _refuses(wish: SendOrder | ClosePosition) -> bool:
    return wish.params.get("precision") == "refuse"


def _limit(price: Decimal | None, side: Side, tick: Decimal) -> Decimal | None:
    """Away from the market: a buy down, a sell up."""
    return price if price is None else _to(price, tick, up=side is Side.SELL)


def _trigger(price: Decimal | None, side: Side, order_type: str, tick: Decimal) -> Decimal | None:
    early = _early_gain if order_type in _TAKES_PROFIT else _early
    return early(price, side, tick)


def _early(price: Decimal | None, side: Side, tick: Decimal) -> Decimal | None:
    """A stop that buys waits for a rise, and one that sells for a fall."""
    return price if price is None else _to(price, tick, up=side is Side.SELL)


def _early_gain(price: Decimal | None, side: Side, tick: Decimal) -> Decimal | None:
    """A profit is taken by a purchase after a fall, and by a sale after a rise."""
    return price if price is None else _to(price, tick, up=side is Side.BUY)


def _to(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """The next tick; what is below the first one up is that one, for no price is zero."""
    below = round_down_to_step(price, tick)
    return add(below, tick) if below != price and (up or not below) else below
