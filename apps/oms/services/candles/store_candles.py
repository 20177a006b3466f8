"""Stores candles in batches and finds what is missing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from oms.domain.errors import Invalid, NotFound
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.data_gaps import CandleGap, find_gaps
from oms.domain.market.ingestion_schedule import closed_until
from oms.domain.market.market_instrument import MarketInstrument, TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_store import CandleSeries, CandleStore, InstrumentStore, UpsertCounts

BATCH_ROWS = 1000


async def require_instrument(
    instruments: InstrumentStore, exchange: str, symbol: str
) -> MarketInstrument:
    """Return an instrument. Raises ``NotFound``, ``Unavailable``."""
    found = await instruments.find(exchange, symbol)
    if found is None:
        message = f"no instrument {symbol} of {exchange}; 'oms instruments add' stores one"
        raise NotFound(message, reason="unknown_instrument")
    return found


async def store_candles(
    store: CandleStore,
    series: CandleSeries,
    candles: Sequence[Candle],
    source: CandleSource,
    now: datetime,
    announced: MarketInstrument | None = None,
) -> UpsertCounts:
    """Store candles of different times; repeated candles change nothing.

    With ``announced``, the instrument, closed ones are reported as events. Raises ``Invalid``,
    before anything is stored, for one that opens in the future.
    """
    if late := next((each for each in candles if each.open_time > now), None):
        raise Invalid(f"the candle of {late.open_time.isoformat()} is in the future")
    forming = closed_until(series.timeframe, now)
    total = UpsertCounts()
    for part in _batches(candles):
        rows = [
            CandleRow(
                candle=each,
                is_closed=each.open_time < forming,
                source=source,
                updated_at=now,
            )
            for each in part
        ]
        total = add_counts(total, await store.upsert(series, rows, announced))
    return total


async def stored_gaps(
    store: CandleStore,
    instrument: MarketInstrument,
    timeframe: Timeframe,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Sequence[CandleGap]:
    """Return the missing candles of a series; without bounds those inside of what is stored.

    Raises ``Invalid`` for an instrument that does not trade all the time.
    """
    if instrument.session is not TradingSession.CONTINUOUS:
        raise Invalid(
            f"gaps of {instrument.symbol} are not known: its session is {instrument.session.value}"
        )
    series = CandleSeries(instrument_id=instrument.id, timeframe=timeframe)
    times = [each async for each in store.open_times(series, start, end)]
    return list(find_gaps(times, timeframe, start, end))


def add_counts(one: UpsertCounts, other: UpsertCounts) -> UpsertCounts:
    """Return the counts of two writes."""
    return UpsertCounts(
        inserted=one.inserted + other.inserted,
        updated=one.updated + other.updated,
        unchanged=one.unchanged + other.unchanged,
    )


def _batches(candles: Sequence[Candle]) -> Iterable[Sequence[Candle]]:
    for start in range(0, len(candles), BATCH_ROWS):
        yield candles[start : start + BATCH_ROWS]
