"""Order book levels, candle bars and funding times, in the form that all dialects return."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from loopback.exchange.venue import Bar
from loopback.formatting import format_number
from oms.domain.instrument import Instrument
from oms.domain.money import add
from oms.domain.value import evolve
from oms.simulation.account.funding_schedule import FUNDING_INTERVAL
from oms.simulation.state.paper_market import Level

UNLIMITED_VALUE = Decimal(100_000_000)
"""The value, in quote currency, displayed for a level without a quantity limit."""

FUNDING_MS = FUNDING_INTERVAL // timedelta(milliseconds=1)
_FUNDING_TIMES_MAX = 1000


def funding_times(start_ms: int, end_ms: int) -> list[int]:
    """Returns the funding times of a period, the oldest first; of a long one the last 1,000."""
    last = end_ms // FUNDING_MS
    first = max(-(-start_ms // FUNDING_MS), last - _FUNDING_TIMES_MAX + 1)
    return [number * FUNDING_MS for number in range(first, last + 1)]


def levels_json(instrument: Instrument, levels: Iterable[Level]) -> list[list[str]]:
    """Returns levels as pairs of price and size, as text."""
    return [
        [format_number(price), format_number(displayed_size(instrument, price, qty))]
        for price, qty in levels
    ]


def displayed_size(instrument: Instrument, price: Decimal, qty: Decimal | None) -> Decimal:
    """Returns the size of a level; a very large one if the level has no limit."""
    if qty is not None:
        return qty
    return max((UNLIMITED_VALUE / price) // instrument.step, Decimal(1)) * instrument.step


def bars_of(minutes: Iterable[Bar], span: timedelta) -> list[Bar]:
    """Aggregates one-minute bars to bars of ``span``, the oldest first."""
    bars: list[Bar] = []
    seconds = int(span.total_seconds())
    for minute in minutes:
        offset = timedelta(seconds=int(minute.opened_at.timestamp()) % seconds)
        opened_at = minute.opened_at - offset
        if bars and bars[-1].opened_at == opened_at:
            last = bars[-1]
            bars[-1] = evolve(
                last,
                high=max(last.high, minute.high),
                low=min(last.low, minute.low),
                close=minute.close,
                volume=add(last.volume, minute.volume),
            )
        else:
            bars.append(evolve(minute, opened_at=opened_at))
    return bars
