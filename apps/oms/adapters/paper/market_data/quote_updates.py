"""Conversion between quotes of the port and market data of the simulation."""

from decimal import Decimal
from itertools import pairwise

from oms.domain.errors import Invalid
from oms.domain.money import ZERO
from oms.domain.quotes import PriceLevel, Quote
from oms.domain.value import constructor
from oms.simulation.inputs import BookUpdate, QuoteUpdate
from oms.simulation.state.paper_market import Market

_new_quote = constructor(Quote)


def quote_to_update(quote: Quote) -> QuoteUpdate | BookUpdate:
    """Returns the update of ``quote``. Raises ``Invalid`` for crossed or non-positive prices."""
    depths = [quote.bid_qty, quote.ask_qty, *(qty for _, qty in (*quote.bids, *quote.asks))]
    if not ZERO < quote.bid <= quote.ask or any(qty is not None and qty < 0 for qty in depths):
        raise Invalid("a quote needs 0 < bid <= ask, and no depth below 0")
    if not quote.bids and not quote.asks:
        return QuoteUpdate(
            symbol=quote.symbol,
            bid=quote.bid,
            ask=quote.ask,
            bid_qty=quote.bid_qty,
            ask_qty=quote.ask_qty,
            at=quote.at,
        )
    bids, asks = _prices(quote.bids), _prices(quote.asks)
    is_sorted = all(a > b for a, b in pairwise(bids)) and all(a < b for a, b in pairwise(asks))
    if not is_sorted or bids[-1:] <= [ZERO] or bids[:1] != [quote.bid] or asks[:1] != [quote.ask]:
        raise Invalid("a book needs bids and asks, the best first, and no price twice")
    return BookUpdate(symbol=quote.symbol, bids=quote.bids, asks=quote.asks, at=quote.at)


def market_to_quote(market: Market) -> Quote | None:
    """Returns the best prices of ``market``; ``None`` if one side has none."""
    bid, ask = market.bids.best, market.asks.best
    if bid is None or ask is None:
        return None
    return _new_quote(
        symbol=market.symbol,
        bid=bid[0],
        ask=ask[0],
        bid_qty=bid[1],
        ask_qty=ask[1],
        last=market.last,
        mark=market.mark_price,
        at=market.at,
    )


def _prices(levels: tuple[PriceLevel, ...]) -> list[Decimal]:
    return [price for price, _ in levels]
