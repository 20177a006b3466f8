"""What a tape can show, and the price that a tape of prints alone shows."""

from collections.abc import Iterator

from oms.simulation.inputs import (
    FundingRateUpdate,
    MarketUpdate,
    MarkPriceUpdate,
    QuoteUpdate,
    TradeTick,
)

TapeUpdate = MarketUpdate
"""One thing that a tape shows; its ``at`` is the time of the recording."""


def with_trade_prices(update: Iterator[TapeUpdate]) -> Iterator[TapeUpdate]:
    """``seen`` with a price for each print, without limit of depth, until a real one is shown.

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
    """Whether it replaces the price shown."""
    return not isinstance(update, TradeTick | MarkPriceUpdate | FundingRateUpdate)
