"""A bar that has closed, worked through as if its prices had been seen: open, range, close.

What the open has left behind is filled there. Then stops, at their level or at a worse open; only
then what gains: both reached in one bar means the stop. Limits fill when the range goes beyond
them, up to the cap of the bar's volume. A trailing stop is judged with the best price of the bars
before, and follows this one. It refuses to guess in which order the range was run through.
"""

from decimal import Decimal

from oms.domain.money import EXACT, multiply, round_down_to_step, subtract
from oms.domain.orders.order import Side
from oms.domain.value import evolve
from oms.simulation.inputs import CandleClosed, QuoteUpdate
from oms.simulation.market.market_updates import fill_up_to, is_beyond, sort_by_priority
from oms.simulation.market.matching import market_from_update, widen_spread
from oms.simulation.orders.triggers import (
    TRIGGER_KINDS,
    TriggerKind,
    trigger_level,
    trigger_order,
    untriggered_orders,
    update_trailing_price,
)
from oms.simulation.state.exchange_state import PaperOrder, TriggerBy
from oms.simulation.state.step_state import StepState


def apply_candle(sheet: StepState, news: CandleClosed) -> None:
    """Serve the orders that the bar reaches; the market stands at its close afterwards."""
    left = _volume(sheet, news)
    left = _fill_resting(sheet, news, left, at_open=True)
    _release(sheet, news, TriggerKind.STOP)
    left = _fill_resting(sheet, news, left, at_open=False)
    _release(sheet, news, TriggerKind.TAKE_PROFIT)
    _show(sheet, news, news.close)
    for order in untriggered_orders(sheet, news.symbol):
        followed = update_trailing_price(order, news.high if order.side is Side.SELL else news.low)
        if followed is not order:
            sheet.put_order(followed)


def _volume(sheet: StepState, news: CandleClosed) -> Decimal | None:
    """What the bar may fill of resting orders; ``None`` is without limit."""
    cap = sheet.settings.volume_cap_pct
    if not cap:
        return None
    share = EXACT.divide(multiply(news.volume, cap), Decimal(100))
    return round_down_to_step(share, sheet.instruments[news.symbol].step)


def _fill_resting(
    sheet: StepState, news: CandleClosed, left: Decimal | None, *, at_open: bool
) -> Decimal | None:
    """Fill limits that the open, or the range, has gone beyond; what is left of the volume."""
    resting = [
        order
        for order in sheet.orders.get(news.symbol, {}).values()
        if order.price is not None and not order.is_waiting
    ]
    for side in (Side.BUY, Side.SELL):
        edge = news.low if side is Side.BUY else news.high
        seen = news.open if at_open else edge
        for order in sort_by_priority(order for order in resting if order.side is side):
            assert order.price is not None, "only orders with a price rest"
            if not is_beyond(side, order.price, seen):
                continue
            qty = order.remaining if left is None else min(left, order.remaining)
            got = fill_up_to(sheet, order, qty, news.open if at_open else order.price)
            left = None if left is None else subtract(left, got)
    return left


def _release(sheet: StepState, news: CandleClosed, release: TriggerKind) -> None:
    """Release conditional orders of one kind; each meets the market where its level was met."""
    for order in untriggered_orders(sheet, news.symbol):
        current = sheet.order(news.symbol, order.exchange_order_id)
        if current is None or TRIGGER_KINDS[order.order_type] is not release:
            continue
        price = _met_at(sheet, news, current)
        if price is not None:
            _show(sheet, news, price)
            trigger_order(sheet, current, price)


def _met_at(sheet: StepState, news: CandleClosed, order: PaperOrder) -> Decimal | None:
    """The price at which the bar met the order's level; beyond it if the bar opened there."""
    level = trigger_level(order)
    market = sheet.markets.get(news.symbol)
    by_mark = order.terms.trigger_by is TriggerBy.MARK
    if level is None or (by_mark and market is not None and market.mark is not None):
        return None
    rises = (order.side is Side.BUY) is (TRIGGER_KINDS[order.order_type] is TriggerKind.STOP)
    if rises:
        return max(news.open, level) if news.high >= level else None
    return min(news.open, level) if news.low <= level else None


def _show(sheet: StepState, news: CandleClosed, price: Decimal) -> None:
    """The market at one price of the bar, without limit of depth."""
    quote = QuoteUpdate(symbol=news.symbol, bid=price, ask=price, at=news.at)
    if sheet.settings.spread_bps:
        tick = sheet.instruments[news.symbol].tick
        quote = widen_spread(quote, sheet.settings.spread_bps, tick)
    known = sheet.markets.get(news.symbol)
    mark = None if known is None else known.mark
    sheet.put_market(evolve(market_from_update(quote), last=price, mark=mark))
