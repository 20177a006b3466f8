"""Matches an order against one side of a book: its fills, and the book after them.

Depth that was consumed is gone until the next book update. A market order larger than the depth
shown fills the rest at the deepest level, moved against it by ``impact × √(excess ÷ depth shown)``
and marked *extrapolated*; a limit order never does.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from oms.domain.money import EXACT, ZERO, add, multiply, round_down_to_step, subtract
from oms.domain.orders.order import Side
from oms.domain.value import constructor, evolve, value
from oms.simulation.inputs import BookUpdate, QuoteUpdate
from oms.simulation.state.paper_market import BookSide, Level, Market

#: Square roots may have no decimal end: 28 digits suffice to hit the tick.
_ROOT_CONTEXT = Context(prec=28)


@value
class BookFill:
    """A fill of a quantity at one price."""

    qty: Decimal
    price: Decimal
    extrapolated: bool = False


_new_fill, _new_ladder = constructor(BookFill), constructor(BookSide)


def build_book_side(levels: tuple[Level, ...]) -> BookSide:
    """Returns one side of a book as it is shown; levels without quantity are left out."""
    shown, add = ZERO, EXACT.add
    is_limited, has_gaps = True, False
    for _, qty in levels:
        if qty is None:
            is_limited = False
        elif qty > 0:
            shown = add(shown, qty)
        else:
            has_gaps = True
    last = levels[-1][0] if levels else None
    if has_gaps:
        levels = tuple(level for level in levels if level[1] is None or level[1] > 0)
    return _new_ladder(levels=levels, last=last, shown=shown if is_limited else None)


def market_from_update(update: QuoteUpdate | BookUpdate) -> Market:
    """Returns the market of ``update`` with nothing consumed."""
    match update:
        case QuoteUpdate():
            bids: tuple[Level, ...] = ((update.bid, update.bid_qty),)
            asks: tuple[Level, ...] = ((update.ask, update.ask_qty),)
        case BookUpdate():
            bids, asks = update.bids, update.asks
    return Market(
        symbol=update.symbol, bids=build_book_side(bids), asks=build_book_side(asks), at=update.at
    )


def widen_spread(update: QuoteUpdate, spread_bps: Decimal, tick: Decimal) -> QuoteUpdate:
    """Returns a quote whose single price is replaced by bid and ask around it, on the tick."""
    if update.bid != update.ask or update.bid_qty is not None or update.ask_qty is not None:
        return update
    half = EXACT.divide(multiply(update.bid, spread_bps), Decimal(20_000))
    bid = round_down_to_step(subtract(update.bid, half), tick)
    remainder = EXACT.remainder(add(update.ask, half), tick)
    ask = add(update.ask, half)
    return evolve(
        update,
        bid=max(bid, tick),
        ask=ask if not remainder else add(subtract(ask, remainder), tick),
    )


def is_within_limit(side: Side, limit: Decimal, price: Decimal) -> bool:
    """Returns whether an order of ``side`` with price ``limit`` may trade at ``price``."""
    return price <= limit if side is Side.BUY else price >= limit


def is_marketable(book: BookSide, side: Side, limit: Decimal) -> bool:
    """Returns whether a limit order would match the opposite side immediately."""
    return bool(book.levels) and is_within_limit(side, limit, book.levels[0][0])


def match_limit(
    book: BookSide, side: Side, qty: Decimal, limit: Decimal | None
) -> tuple[list[BookFill], BookSide]:
    """Matches up to ``qty`` against the levels within ``limit``; all levels if ``None``."""
    fills, after, _ = _match_levels(book, side, qty, limit)
    return fills, after


def match_market(
    book: BookSide,
    side: Side,
    qty: Decimal,
    *,
    tick: Decimal,
    impact: Decimal,
    slippage: Decimal = ZERO,
) -> tuple[list[BookFill], BookSide]:
    """Matches all of ``qty`` regardless of depth; nothing if the side never had any quantity.

    A level without quantity fills everything at a price moved by ``slippage``.
    """
    if not book.shown and book.shown is not None:
        return [], book
    fills, after, remaining = _match_levels(book, side, qty, None)
    if slippage and fills and book.levels[len(fills) - 1][1] is None:
        last = fills[-1]
        price = _impact_price(last.price, side, Decimal(1), tick, slippage)
        fills[-1] = _new_fill(qty=last.qty, price=price)
    if not remaining:
        return fills, after
    assert book.last is not None and book.shown is not None, "only a limited book runs out"
    beyond = add(book.beyond, remaining)
    price = _impact_price(book.last, side, _ROOT_CONTEXT.divide(beyond, book.shown), tick, impact)
    fills.append(_new_fill(qty=remaining, price=price, extrapolated=True))
    return fills, _new_ladder(levels=(), last=book.last, shown=book.shown, beyond=beyond)


def _match_levels(
    book: BookSide, side: Side, qty: Decimal, limit: Decimal | None
) -> tuple[list[BookFill], BookSide, Decimal]:
    """Returns the fills within ``limit``, the book after them, and what of ``qty`` remains."""
    fills: list[BookFill] = []
    levels, remaining, levels_used = book.levels, qty, 0
    rest: tuple[Level, ...] = ()
    for price, offered in levels:
        if not remaining or (limit is not None and not is_within_limit(side, limit, price)):
            break
        levels_used += 1
        if offered is None or offered > remaining:
            fills.append(_new_fill(qty=remaining, price=price))
            rest = ((price, None if offered is None else subtract(offered, remaining)),)
            remaining = ZERO
        else:
            fills.append(_new_fill(qty=offered, price=price))
            remaining = subtract(remaining, offered)
    if not levels_used:
        return fills, book, remaining
    after = _new_ladder(
        levels=rest + levels[levels_used:], last=book.last, shown=book.shown, beyond=book.beyond
    )
    return fills, after, remaining


def qty_for_cost(book: BookSide, cost: Decimal, step: Decimal) -> Decimal:
    """Returns the quantity that ``cost`` buys of the shown levels, rounded down to the step."""
    qty, remaining = ZERO, cost
    for price, offered in book.levels:
        affordable = EXACT.divide(remaining, price)
        if offered is None or affordable <= offered:
            qty = add(qty, affordable)
            break
        qty = add(qty, offered)
        remaining = subtract(remaining, multiply(offered, price))
    return round_down_to_step(qty, step)


def _impact_price(
    last: Decimal, side: Side, excess: Decimal, tick: Decimal, impact: Decimal
) -> Decimal:
    """Returns ``last`` moved against the taker, on the tick, at least one tick."""
    share = multiply(impact, _ROOT_CONTEXT.sqrt(excess))
    factor = EXACT.add(1, share) if side is Side.BUY else EXACT.subtract(1, share)
    ticks = EXACT.divide(multiply(last, factor), tick)
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    whole_ticks = ticks.quantize(Decimal(1), rounding, EXACT)
    return max(multiply(whole_ticks, tick), tick)
