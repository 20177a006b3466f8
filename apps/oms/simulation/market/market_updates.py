"""News of the market: what it shows is taken over, then the orders that it reaches are served.

Resting orders are executed at their own price, as makers: the best price first, then the first to
come. What lies beyond their price fills them whole. What is offered at their price fills them as
far as it goes; trades at their price eat what stood before them first. Which of these counts is
the fill model's matter. Then conditional orders are released, the oldest first.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import reduce

from oms.domain.money import ZERO, add, subtract
from oms.domain.orders.order import Side
from oms.domain.value import evolve
from oms.simulation.events import Changed
from oms.simulation.inputs import BookUpdate, MarkPriceUpdate, QuoteUpdate, TradeTick
from oms.simulation.market.matching import (
    BookFill,
    build_book_side,
    market_from_update,
    match_limit,
    widen_spread,
)
from oms.simulation.market.queue_position import (
    advance_on_cancels,
    advance_on_trade,
    displayed_qty_at,
    estimate_queue_position,
)
from oms.simulation.orders.admission import reducible_qty
from oms.simulation.orders.execution import cap_to_position, fill_resting, terminate_order
from oms.simulation.orders.resting_orders import release_lock
from oms.simulation.orders.triggers import trigger_reached_orders
from oms.simulation.settings import FillModel
from oms.simulation.state.exchange_state import Market, PaperOrder
from oms.simulation.state.step_state import StepState


def apply_market_data(sheet: StepState, news: QuoteUpdate | BookUpdate) -> None:
    """Take over what the market shows, and serve who it reaches."""
    symbol = news.symbol
    if sheet.settings.spread_bps and isinstance(news, QuoteUpdate):
        news = widen_spread(news, sheet.settings.spread_bps, sheet.instruments[symbol].tick)
    known, market = sheet.markets.get(symbol), market_from_update(news)
    if known is not None and (known.last is not None or known.mark is not None):
        market = evolve(market, last=_moved_last(known.last, market), mark=known.mark)
    sheet.put_market(market)
    if symbol in sheet.orders:
        if sheet.settings.queue_prorata:
            _bring_forward(sheet, market)
        buys, sells = _reached(sheet, market)
        _serve_side(sheet, market, buys)
        _serve_side(sheet, market, sells)
        if sheet.orders_with_terms:
            trigger_reached_orders(sheet, symbol)


def apply_trade_tick(sheet: StepState, news: TradeTick) -> None:
    """A trade of others: it moves the last price and serves the orders that it reaches."""
    symbol = news.symbol
    known = sheet.markets.get(symbol)
    market = _shown(known, news)
    sheet.put_market(evolve(market, last=news.price, at=news.at))
    if symbol not in sheet.orders:
        return
    for side in (Side.BUY, Side.SELL):
        if sheet.orders.get(symbol):
            _serve_print(sheet, market, news, side)
    if sheet.orders_with_terms:
        trigger_reached_orders(sheet, symbol)


def apply_mark_price(sheet: StepState, news: MarkPriceUpdate) -> None:
    """A mark price: it releases orders, and fills none by itself."""
    market = _shown(sheet.markets.get(news.symbol), news)
    sheet.put_market(evolve(market, mark=news.price, at=news.at))
    if sheet.orders_with_terms:
        trigger_reached_orders(sheet, news.symbol)


def is_beyond(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Whether ``price`` lies beyond ``limit``, for an order of ``side``."""
    return price < limit if side is Side.BUY else price > limit


def sort_by_priority(orders: Iterable[PaperOrder]) -> list[PaperOrder]:
    """In the order of service: the highest buyer, the lowest seller, then the first to come."""
    return sorted(orders, key=_turn)


def fill_up_to(sheet: StepState, order: PaperOrder, qty: Decimal, price: Decimal) -> Decimal:
    """Execute a resting order at ``price`` as far as ``qty`` and its position allow."""
    current = sheet.order(order.symbol, order.exchange_order_id)
    if current is not None:
        current = cap_to_position(sheet, current)
    if current is None:
        return ZERO
    got = min(qty, current.remaining)
    if got:
        fill_resting(sheet, current, [BookFill(qty=got, price=price)])
    return got


def _shown(known: Market | None, news: TradeTick | MarkPriceUpdate) -> Market:
    if known is not None:
        return known
    return Market(
        symbol=news.symbol, bids=build_book_side(()), asks=build_book_side(()), at=news.at
    )


def _moved_last(last: Decimal | None, market: Market) -> Decimal | None:
    """The last price, no lower than the best bid and no higher than the best ask."""
    if last is None:
        return None
    bids, asks = market.bids.levels, market.asks.levels
    if asks and last > asks[0][0]:
        return asks[0][0]
    if bids and last < bids[0][0]:
        return bids[0][0]
    return last


def _reached(sheet: StepState, market: Market) -> tuple[list[PaperOrder], list[PaperOrder]]:
    """Resting buys and sells that the market has come to. One pass: there may be thousands."""
    ask = market.asks.levels[0][0] if market.asks.levels else None
    bid = market.bids.levels[0][0] if market.bids.levels else None
    buys: list[PaperOrder] = []
    sells: list[PaperOrder] = []
    for order in sheet.orders[market.symbol].values():
        price = order.price
        if price is None:
            continue
        if order.side is Side.BUY:
            if ask is not None and price >= ask:
                buys.append(order)
        elif bid is not None and price <= bid:
            sells.append(order)
    if sheet.orders_with_terms:
        buys = [order for order in buys if not order.is_waiting]
        sells = [order for order in sells if not order.is_waiting]
    return buys, sells


def _serve_side(sheet: StepState, market: Market, reached: list[PaperOrder]) -> None:
    model = sheet.settings.fill
    for order in sort_by_priority(reached):
        assert order.price is not None, "only orders with a price rest"
        best = market.opposite(order.side).levels[0][0]
        if model is FillModel.TOUCH or is_beyond(order.side, order.price, best):
            _serve_quote(sheet, order, whole=True)
        elif model is FillModel.QUEUE:
            _serve_quote(sheet, order, whole=False)


def _turn(order: PaperOrder) -> tuple[Decimal, int, int]:
    """Lower is served first."""
    assert order.price is not None, "only orders with a price rest"
    price = order.price.copy_negate() if order.side is Side.BUY else order.price
    return price, order.rank, order.number


def _serve_quote(sheet: StepState, order: PaperOrder, *, whole: bool) -> None:
    """Execute a resting order as far as the levels that reach it give, or the whole of it."""
    current = sheet.order(order.symbol, order.exchange_order_id)
    if current is None:
        return
    price = current.price
    assert price is not None, "only orders with a price rest"
    held = reducible_qty(sheet, current)
    if not held:
        terminate_order(sheet, current, reason="reduce_only")
        return
    book = sheet.markets[order.symbol].opposite(order.side)
    takings, after = match_limit(book, order.side, min(current.remaining, held), price)
    if not takings and not whole:
        return
    if held < current.remaining:
        current = evolve(release_lock(sheet, current), qty=add(current.filled, held), locked=ZERO)
        sheet.events.append(Changed(order=current))
    sheet.leave(order.symbol, order.side, after)
    qty = held if whole else reduce(add, (taking.qty for taking in takings))
    fill_resting(sheet, current, [BookFill(qty=min(qty, current.remaining), price=price)])


def _serve_print(sheet: StepState, market: Market, news: TradeTick, side: Side) -> None:
    """Serve resting orders of one side: whole beyond their price, in the queue at it."""
    model, given = sheet.settings.fill, ZERO
    hits = news.side is not side
    resting = [
        order
        for order in sheet.orders[news.symbol].values()
        if order.side is side
        and order.price is not None
        and not order.is_waiting
        and (order.price == news.price or is_beyond(side, order.price, news.price))
    ]
    for order in sort_by_priority(resting):
        if order.price is None or sheet.order(order.symbol, order.exchange_order_id) is None:
            continue
        if order.price != news.price or (hits and model is FillModel.TOUCH):
            fill_up_to(sheet, order, order.remaining, order.price)
        elif hits and model is FillModel.QUEUE:
            reaching = subtract(news.qty, given)
            given = add(given, _eat(sheet, market, order, reaching))


def _eat(sheet: StepState, market: Market, order: PaperOrder, qty: Decimal) -> Decimal:
    """Trades of ``qty`` at the order's price: what stands ahead is eaten, then the order."""
    queue = order.queue or estimate_queue_position(market, order)
    ahead = ZERO if queue is None else queue.ahead
    if queue is not None and (ahead or queue.shown):
        order = evolve(order, queue=advance_on_trade(queue, qty))
        sheet.put_order(order)
    rest_qty = max(subtract(qty, ahead), ZERO)
    assert order.price is not None, "only orders with a price rest"
    return fill_up_to(sheet, order, rest_qty, order.price) if rest_qty else ZERO


def _bring_forward(sheet: StepState, market: Market) -> None:
    """Orders ahead that were canceled bring resting ones forward, in proportion."""
    for order in list(sheet.orders[market.symbol].values()):
        if order.queue is None:
            continue
        shown = displayed_qty_at(market, order)
        queue = order.queue if shown is None else advance_on_cancels(order.queue, shown)
        if queue is not order.queue:
            sheet.put_order(evolve(order, queue=queue))
