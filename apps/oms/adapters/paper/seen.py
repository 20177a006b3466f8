"""What a tape can show, and the price that a tape of prints alone shows."""

from collections.abc import Iterator

from oms.simulation.inputs import FundingSeen, MarkSeen, News, PrintSeen, QuoteSeen

Seen = News
"""One thing that a tape shows; its ``at`` is the time of the recording."""


def priced(seen: Iterator[Seen]) -> Iterator[Seen]:
    """``seen`` with a price for each print, without limit of depth, until a real one is shown.

    So a tape of trades alone has prices, and one of trades and books has those of its books.
    """
    for each in seen:
        if isinstance(each, PrintSeen):
            yield QuoteSeen(symbol=each.symbol, bid=each.price, ask=each.price, at=each.at)
        yield each
        if is_price(each):
            break
    yield from seen


def is_price(seen: Seen) -> bool:
    """Whether it replaces the price shown."""
    return not isinstance(seen, PrintSeen | MarkSeen | FundingSeen)
