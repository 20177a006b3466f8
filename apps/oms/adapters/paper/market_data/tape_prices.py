"""Prices of a tape, including those derived from trades where a tape has no quotes."""

from collections.abc import Iterator

from oms.simulation.inputs import (
    FundingRateUpdate,
    MarketUpdate,
    MarkPriceUpdate,
    QuoteUpdate,
    TradeTick,
)

TapeUpdate = MarketUpdate
"""A market update of a tape; ``at`` is the time of the recording."""


def with_trade_prices(update: Iterator[TapeUpdate]) -> Iterator[TapeUpdate]:
    """Yields ``update`` with a quote of unlimited depth for each trade before the first real price.

    So a tape of trades alone has prices, and one of trades and books has those of its books.
    """
    for each in update:
        if isinstance(each, TradeTick):
            yield QuoteUpdate(symbol=each.symbol, bid=each.price, ask=each.price, at=each.at)
        yield each
        if is_price(each):
            break
    yield from update


def is_price(update: TapeUpdate) -> bool:
    """Returns whether the update replaces the current price."""
    return not isinstance(update, TradeTick | MarkPriceUpdate | FundingRateUpdate)
