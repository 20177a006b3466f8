"""Fills of a closed candle, processed as if its prices had occurred: open, range, close.

Limit orders that the open passed are filled at the open. Then stops are triggered, at their level
or at a worse open, and only then take profits: if one candle reaches both, the stop wins. Limit
orders are filled when the range passes their price, up to the volume cap. A trailing stop is
triggered by the best price of earlier candles and follows this one afterwards. The order of high
and low within the candle is not guessed.
"""

from decimal import Decimal

from oms.domain.money import EXACT, multiply, round_down_to_step, subtract
from oms.domain.orders.order import Side
from oms.domain.orders.order_types import TriggerKind
from oms.domain.value import evolve
from oms.simulation.inputs import CandleClosed, QuoteUpdate
from oms.simulation.market.market_updates import fill_up_to, is_beyond, sort_by_priority
from oms.simulation.market.matching import market_from_update, widen_spread
from oms.simulation.orders.triggers import (
    TRIGGER_KINDS,
    trigger_level,
    trigger_order,
    untriggered_orders,
    update_trailing_price,
)
from oms.simulation.state.paper_order import PaperOrder, TriggerBy
from oms.simulation.state.step_state import StepState


def apply_candle(state: StepState, update: CandleClosed) -> None:
    """Fills and triggers the orders that the candle reaches; then the market is at its close."""
    if update.symbol in state.settings.closed_symbols:
        _set_market(state, update, update.close)
        return
    volume_left = _fillable_volume(state, update)
    volume_left = _fill_resting(state, update, volume_left, at_open=True)
    _trigger_orders(state, update, TriggerKind.STOP)
    volume_left = _fill_resting(state, update, volume_left, at_open=False)
    _trigger_orders(state, update, TriggerKind.TAKE_PROFIT)
    _set_market(state, update, update.close)
    for order in untriggered_orders(state, update.symbol):
        updated = update_trailing_price(
            order, update.high if order.side is Side.SELL else update.low
        )
        if updated is not order:
            state.put_order(updated)


def _fillable_volume(state: StepState, update: CandleClosed) -> Decimal | None:
    """Returns what the candle may fill of resting orders; ``None`` is unlimited."""
    cap = state.settings.volume_cap_pct
    if not cap:
        return None
    share = EXACT.divide(multiply(update.volume, cap), Decimal(100))
    return round_down_to_step(share, state.instruments[update.symbol].step)


def _fill_resting(
    state: StepState, update: CandleClosed, volume_left: Decimal | None, *, at_open: bool
) -> Decimal | None:
    """Fills limits that the open, or the range, has passed. Returns the volume that is left."""
    resting = [
        order
        for order in state.orders.get(update.symbol, {}).values()
        if order.price is not None and not order.is_waiting
    ]
    for side in (Side.BUY, Side.SELL):
        extreme = update.low if side is Side.BUY else update.high
        reference = update.open if at_open else extreme
        for order in sort_by_priority(order for order in resting if order.side is side):
            assert order.price is not None, "only orders with a price rest"
            if not is_beyond(side, order.price, reference):
                continue
            qty = order.remaining if volume_left is None else min(volume_left, order.remaining)
            filled_qty = fill_up_to(state, order, qty, update.open if at_open else order.price)
            volume_left = None if volume_left is None else subtract(volume_left, filled_qty)
    return volume_left


def _trigger_orders(state: StepState, update: CandleClosed, kind: TriggerKind) -> None:
    """Triggers orders of one kind, each with the market at the price that reached it."""
    for order in untriggered_orders(state, update.symbol):
        current = state.order(update.symbol, order.exchange_order_id)
        if current is None or TRIGGER_KINDS[order.order_type] is not kind:
            continue
        price = _trigger_fill_price(state, update, current)
        if price is not None:
            _set_market(state, update, price)
            trigger_order(state, current, price)


def _trigger_fill_price(
    state: StepState, update: CandleClosed, order: PaperOrder
) -> Decimal | None:
    """Returns the order's level if the candle reached it, or its open if beyond."""
    level = trigger_level(order)
    market = state.markets.get(update.symbol)
    by_mark = order.terms.trigger_by is TriggerBy.MARK
    if level is None or (by_mark and market is not None and market.mark is not None):
        return None
    is_upward = (order.side is Side.BUY) is (TRIGGER_KINDS[order.order_type] is TriggerKind.STOP)
    if is_upward:
        return max(update.open, level) if update.high >= level else None
    return min(update.open, level) if update.low <= level else None


def _set_market(state: StepState, update: CandleClosed, price: Decimal) -> None:
    """Sets the market to one price of the candle with unlimited depth."""
    quote = QuoteUpdate(symbol=update.symbol, bid=price, ask=price, at=update.at)
    if state.settings.spread_bps:
        tick = state.instruments[update.symbol].tick
        quote = widen_spread(quote, state.settings.spread_bps, tick)
    previous = state.markets.get(update.symbol)
    mark = None if previous is None else previous.mark
    state.put_market(evolve(market_from_update(quote), last=price, mark=mark))
