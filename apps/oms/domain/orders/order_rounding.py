"""Rounding of order requests for real exchanges to the step sizes of the instrument.

Quantities are rounded down. Limit prices are rounded to the passive side, away from the market;
trigger prices to the side that fires earlier. With ``params.precision`` set to ``refuse`` the
request is left unchanged, and admission refuses values off the grid, as for paper accounts. The
command keeps the requested values, the order has the rounded ones.
"""

from decimal import Decimal

from oms.domain.commands.command import ChangeOrder, ClosePosition, SendOrder
from oms.domain.instrument import Instrument
from oms.domain.money import add, round_down_to_step
from oms.domain.side import Side
from oms.domain.value import evolve

_TAKES_PROFIT = frozenset({"take_profit_market", "take_profit_limit"})


def round_send_order(wish: SendOrder, instrument: Instrument) -> SendOrder:
    """Return the request with all values rounded."""
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
    """Return the request with all values rounded; ``side`` is the side of the closing order."""
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
    """Return the change with all values rounded; ``side`` is the side of the order."""
    qty = wish.new_qty
    return evolve(
        wish,
        new_qty=None if qty is None else round_down_to_step(qty, instrument.step),
        new_price=_limit(wish.new_price, side, instrument.tick),
    )


def _refuses(wish: SendOrder | ClosePosition) -> bool:
    return wish.params.get("precision") == "refuse"


def _limit(price: Decimal | None, side: Side, tick: Decimal) -> Decimal | None:
    """Round away from the market: a buy down, a sell up."""
    return price if price is None else _to(price, tick, up=side is Side.SELL)


def _trigger(price: Decimal | None, side: Side, order_type: str, tick: Decimal) -> Decimal | None:
    early = _early_gain if order_type in _TAKES_PROFIT else _early
    return early(price, side, tick)


def _early(price: Decimal | None, side: Side, tick: Decimal) -> Decimal | None:
    """A buy stop triggers on a rise, a sell stop on a fall."""
    return price if price is None else _to(price, tick, up=side is Side.SELL)


def _early_gain(price: Decimal | None, side: Side, tick: Decimal) -> Decimal | None:
    """A take-profit buy triggers on a fall, a take-profit sell on a rise."""
    return price if price is None else _to(price, tick, up=side is Side.BUY)


def _to(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """Round to a tick; values below the first tick become the first tick, since no price is zero."""
    below = round_down_to_step(price, tick)
    return add(below, tick) if below != price and (up or not below) else below
