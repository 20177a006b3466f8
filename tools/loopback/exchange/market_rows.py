"""Books and bars as the public of any dialect sees them."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from loopback.exchange.venue import Bar
from loopback.formatting import format_number
from oms.domain.instrument import Instrument
from oms.domain.money import add
from oms.simulation.state.exchange_state import Level

UNLIMITED_VALUE = Decimal(100_000_000)
"""Shown where as much is offered as anybody wants, in dollars."""


def levels_json(instrument: Instrument, levels: Iterable[Level]) -> list[list[str]]:
    """Levels as pairs of texts."""
    return [
        [format_number(price), format_number(displayed_size(instrument, price, qty))]
        for price, qty in levels
    ]


def displayed_size(instrument: Instrument, price: Decimal, qty: Decimal | None) -> Decimal:
    """What is shown of a level: where there is no limit, a great deal."""
    if qty is not None:
        return qty
    return max((UNLIMITED_VALUE / price) // instrument.step, Decimal(1)) * instrument.step


def bars_of(minutes: Iterable[Bar], span: timedelta) -> list[Bar]:
    """Bars of ``span``, the oldest first."""
    made: list[Bar] = []
    seconds = int(span.total_seconds())
    for bar in minutes:
        begins = bar.begins - timedelta(seconds=int(bar.begins.timestamp()) % seconds)
        if made and made[-1].begins == begins:
            last = made[-1]
            made[-1] = Bar(
                begins=begins,
                open=last.open,
                high=max(last.high, bar.high),
                low=min(last.low, bar.low),
                close=bar.close,
                volume=add(last.volume, bar.volume),
            )
        else:
            made.append(
                Bar(
                    begins=begins,
                    open=bar.open,
                    high=bar.high,
                    low=bar.low,
                    close=bar.close,
                    volume=bar.volume,
                )
            )
    return made
