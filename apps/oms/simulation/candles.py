"""A bar that has closed, worked through as if its prices had been seen: open, range, close.

What the open has left behind is filled there. Then stops, at their level or at a worse open; only
then what gains: both reached in one bar means the stop. Limits fill when the range goes beyond
them, up to the cap of the bar's volume. A trailing stop is judged with the best price of the bars
before, and follows this one. It refuses to guess in which order the range was run through.
"""

from decimal import Decimal

from oms.domain.money import EXACT, difference, down_to_step, product
from oms.domain.order import Side
from oms.domain.value import evolve
from oms.simulation.inputs import CandleSeen, QuoteSeen
from oms.simulation.matching import market_of, widened
from oms.simulation.memory import PaperOrder, TriggerBy
from oms.simulation.serving import by_turn, fill_up_to, reached_by
from oms.simulation.sheet import Sheet
from oms.simulation.triggers import CONDITIONAL, Release, follow, level_of, trigger, waiting


def see_candle(sheet: Sheet, news: CandleSeen) -> None:
    """Serve the orders that the bar reaches; the market stands at its close afterwards."""
    left = _volume(sheet, news)
    left = _fill_resting(sheet, news, left, at_open=True)
    _release(sheet, news, Release.STOP)
    left = _fill_resting(sheet, news, left, at_open=False)
    _release(sheet, news, Release.TAKE_PROFIT)
    _show(sheet, news, news.close)
    for order in waiting(sheet, news.symbol):
        followed = follow(order, news.high if order.side is Side.SELL else news.low)
        if followed is not order:
            sheet.put_order(followed)


def _volume(sheet: Sheet, news: CandleSeen) -> Decimal | None:
    """What the bar may fill of resting orders; ``None`` is without limit."""
    cap = sheet.settings.volume_cap_pct
    if not cap:
        return None
    share = EXACT.divide(product(news.volume, cap), Decimal(100))
    return down_to_step(share, sheet.instruments[news.symbol].step)


def _fill_resting(
    sheet: Sheet, news: CandleSeen, left: Decimal | None, *, at_open: bool
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
        for order in by_turn(order for order in resting if order.side is side):
            assert order.price is not None, "only orders with a price rest"
            if not reached_by(side, order.price, seen):
                continue
            qty = order.remaining if left is None else min(left, order.remaining)
            got = fill_up_to(sheet, order, qty, news.open if at_open else order.price)
            left = None if left is None else difference(left, got)
    return left


def _release(sheet: Sheet, news: CandleSeen, release: Release) -> None:
    """Release conditional orders of one kind; each meets the market where its level was met."""
    for order in waiting(sheet, news.symbol):
        current = sheet.order(news.symbol, order.exchange_order_id)
        if current is None or CONDITIONAL[order.order_type] is not release:
            continue
        price = _met_at(sheet, news, current)
        if price is not None:
            _show(sheet, news, price)
            trigger(sheet, current, price)


def _met_at(sheet: Sheet, news: CandleSeen, order: PaperOrder) -> Decimal | None:
    """The price at which the bar met the order's level; beyond it if the bar opened there."""
    level = level_of(order)
    market = sheet.markets.get(news.symbol)
    by_mark = order.terms.trigger_by is TriggerBy.MARK
    if level is None or (by_mark and market is not None and market.mark is not None):
        return None
    rises = (order.side is Side.BUY) is (CONDITIONAL[order.order_type] is Release.STOP)
    if rises:
        return max(news.open, level) if news.high >= level else None
    return min(news.open, level) if news.low <= level else None


def _show(sheet: Sheet, news: CandleSeen, price: Decimal) -> None:
    """The market at one price of the bar, without limit of depth."""
    quote = QuoteSeen(symbol=news.symbol, bid=price, ask=price, at=news.at)
    if sheet.settings.spread_bps:
        tick = sheet.instruments[news.symbol].tick
        quote = widened(quote, sheet.settings.spread_bps, tick)
    known = sheet.markets.get(news.symbol)
    mark = None if known is None else known.mark
    sheet.put_market(evolve(market_of(quote), last=price, mark=mark))
