"""Market updates: replace the market data, then fill and trigger the orders that it reaches.

Resting orders are filled at their own price, as makers, by price and then time priority. A price
beyond theirs fills them entirely. Quotes at their price fill them up to the quoted quantity; trades
at their price consume the queue ahead of them first. The fill model selects which of these apply.
Then conditional orders are triggered, the oldest first.
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
from oms.simulation.state.paper_market import Market
from oms.simulation.state.paper_order import PaperOrder
from oms.simulation.state.step_state import StepState


def apply_market_data(state: StepState, update: QuoteUpdate | BookUpdate) -> None:
    """Replaces quote or book of a symbol, and fills and triggers the orders it reaches."""
    symbol = update.symbol
    if state.settings.spread_bps and isinstance(update, QuoteUpdate):
        update = widen_spread(update, state.settings.spread_bps, state.instruments[symbol].tick)
    previous, market = state.markets.get(symbol), market_from_update(update)
    if previous is not None and (previous.last is not None or previous.mark is not None):
        market = evolve(market, last=_clamp_last_price(previous.last, market), mark=previous.mark)
    state.put_market(market)
    if symbol in state.orders and symbol not in state.settings.closed_symbols:
        if state.settings.queue_prorata:
            _advance_queues(state, market)
        buys, sells = _reached_orders(state, market)
        _fill_side(state, market, buys)
        _fill_side(state, market, sells)
        if state.orders_with_terms:
            trigger_reached_orders(state, symbol)


def apply_trade_tick(state: StepState, update: TradeTick) -> None:
    """Applies a public trade: sets the last price, and fills and triggers the orders it reaches."""
    symbol = update.symbol
    previous = state.markets.get(symbol)
    market = _market_or_empty(previous, update)
    state.put_market(evolve(market, last=update.price, at=update.at))
    if symbol not in state.orders or symbol in state.settings.closed_symbols:
        return
    for side in (Side.BUY, Side.SELL):
        if state.orders.get(symbol):
            _fill_by_trade(state, market, update, side)
    if state.orders_with_terms:
        trigger_reached_orders(state, symbol)


def apply_mark_price(state: StepState, update: MarkPriceUpdate) -> None:
    """Applies a mark price: it triggers orders and fills none by itself."""
    market = _market_or_empty(state.markets.get(update.symbol), update)
    state.put_market(evolve(market, mark=update.price, at=update.at))
    if state.orders_with_terms and update.symbol not in state.settings.closed_symbols:
        trigger_reached_orders(state, update.symbol)


def is_beyond(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Returns whether ``price`` is better than ``limit`` for an order of ``side``."""
    return price < limit if side is Side.BUY else price > limit


def sort_by_priority(orders: Iterable[PaperOrder]) -> list[PaperOrder]:
    """Sorts by priority: the highest buy, the lowest sell, then the first to arrive."""
    return sorted(orders, key=_priority)


def fill_up_to(state: StepState, order: PaperOrder, qty: Decimal, price: Decimal) -> Decimal:
    """Fills a resting order up to ``qty`` and its position. Returns the filled quantity."""
    current = state.order(order.symbol, order.exchange_order_id)
    if current is not None:
        current = cap_to_position(state, current)
    if current is None:
        return ZERO
    filled_qty = min(qty, current.remaining)
    if filled_qty:
        fill_resting(state, current, [BookFill(qty=filled_qty, price=price)])
    return filled_qty


def _market_or_empty(previous: Market | None, update: TradeTick | MarkPriceUpdate) -> Market:
    if previous is not None:
        return previous
    return Market(
        symbol=update.symbol, bids=build_book_side(()), asks=build_book_side(()), at=update.at
    )


def _clamp_last_price(last: Decimal | None, market: Market) -> Decimal | None:
    """Returns the last price, clamped to best bid and best ask."""
    if last is None:
        return None
    bids, asks = market.bids.levels, market.asks.levels
    if asks and last > asks[0][0]:
        return asks[0][0]
    if bids and last < bids[0][0]:
        return bids[0][0]
    return last


def _reached_orders(state: StepState, market: Market) -> tuple[list[PaperOrder], list[PaperOrder]]:
    """Returns resting buys and sells that the market reaches. One pass: there may be thousands."""
    ask = market.asks.levels[0][0] if market.asks.levels else None
    bid = market.bids.levels[0][0] if market.bids.levels else None
    buys: list[PaperOrder] = []
    sells: list[PaperOrder] = []
    for order in state.orders[market.symbol].values():
        price = order.price
        if price is None:
            continue
        if order.side is Side.BUY:
            if ask is not None and price >= ask:
                buys.append(order)
        elif bid is not None and price <= bid:
            sells.append(order)
    if state.orders_with_terms:
        buys = [order for order in buys if not order.is_waiting]
        sells = [order for order in sells if not order.is_waiting]
    return buys, sells


def _fill_side(state: StepState, market: Market, reached: list[PaperOrder]) -> None:
    model = state.settings.fill
    for order in sort_by_priority(reached):
        assert order.price is not None, "only orders with a price rest"
        best = market.opposite(order.side).levels[0][0]
        if model is FillModel.TOUCH or is_beyond(order.side, order.price, best):
            _fill_at_quote(state, order, is_whole=True)
        elif model is FillModel.QUEUE:
            _fill_at_quote(state, order, is_whole=False)


def _priority(order: PaperOrder) -> tuple[Decimal, int, int]:
    """Returns the sort key of an order; the lowest has the highest priority."""
    assert order.price is not None, "only orders with a price rest"
    price = order.price.copy_negate() if order.side is Side.BUY else order.price
    return price, order.rank, order.number


def _fill_at_quote(state: StepState, order: PaperOrder, *, is_whole: bool) -> None:
    """Fills a resting order up to the depth that reaches its price, or entirely if ``is_whole``."""
    current = state.order(order.symbol, order.exchange_order_id)
    if current is None:
        return
    price = current.price
    assert price is not None, "only orders with a price rest"
    reducible = reducible_qty(state, current)
    if not reducible:
        terminate_order(state, current, reason="reduce_only")
        return
    book = state.markets[order.symbol].opposite(order.side)
    fills, after = match_limit(book, order.side, min(current.remaining, reducible), price)
    if not fills and not is_whole:
        return
    if reducible < current.remaining:
        current = evolve(
            release_lock(state, current), qty=add(current.filled, reducible), locked=ZERO
        )
        state.events.append(Changed(order=current))
    state.consume_depth(order.symbol, order.side, after)
    qty = reducible if is_whole else reduce(add, (fill.qty for fill in fills))
    fill_resting(state, current, [BookFill(qty=min(qty, current.remaining), price=price)])


def _fill_by_trade(state: StepState, market: Market, update: TradeTick, side: Side) -> None:
    """Fills resting orders of one side: entirely beyond their price, by queue at it."""
    model, used_qty = state.settings.fill, ZERO
    is_hit = update.side is not side
    resting = [
        order
        for order in state.orders[update.symbol].values()
        if order.side is side
        and order.price is not None
        and not order.is_waiting
        and (order.price == update.price or is_beyond(side, order.price, update.price))
    ]
    for order in sort_by_priority(resting):
        if order.price is None or state.order(order.symbol, order.exchange_order_id) is None:
            continue
        if order.price != update.price or (is_hit and model is FillModel.TOUCH):
            fill_up_to(state, order, order.remaining, order.price)
        elif is_hit and model is FillModel.QUEUE:
            trade_qty_left = subtract(update.qty, used_qty)
            used_qty = add(used_qty, _consume_queue(state, market, order, trade_qty_left))


def _consume_queue(state: StepState, market: Market, order: PaperOrder, qty: Decimal) -> Decimal:
    """Applies a trade to the order's queue, then to the order. Returns the filled quantity."""
    queue = order.queue or estimate_queue_position(market, order)
    ahead = ZERO if queue is None else queue.ahead
    if queue is not None and (ahead or queue.shown):
        order = evolve(order, queue=advance_on_trade(queue, qty))
        state.put_order(order)
    rest_qty = max(subtract(qty, ahead), ZERO)
    assert order.price is not None, "only orders with a price rest"
    return fill_up_to(state, order, rest_qty, order.price) if rest_qty else ZERO


def _advance_queues(state: StepState, market: Market) -> None:
    """Advances resting orders by the cancels ahead of them, in proportion."""
    for order in list(state.orders[market.symbol].values()):
        if order.queue is None:
            continue
        shown = displayed_qty_at(market, order)
        queue = order.queue if shown is None else advance_on_cancels(order.queue, shown)
        if queue is not order.queue:
            state.put_order(evolve(order, queue=queue))
