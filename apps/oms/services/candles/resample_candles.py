"""Makes candles of larger timeframes from stored ones."""

from collections.abc import Sequence
from datetime import datetime

from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleSource
from oms.domain.market.resampler import Resampler
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.market.candle_store import CandleSeries, CandleStore, UpsertCounts
from oms.services.candles.store_candles import BATCH_ROWS, add_counts, store_candles


@value
class ResampleResult:
    """What was stored, and the open times of candles that lack a part."""

    timeframe: Timeframe
    counts: UpsertCounts
    incomplete: Sequence[datetime]


async def resample_candles(
    store: CandleStore,
    instrument_id: int,
    source: Timeframe,
    target: Timeframe,
    now: datetime,
) -> ResampleResult:
    """Store the candles of ``target`` whose parts are all stored and closed.

    A repeated call changes nothing. Raises ``Invalid`` for a target that does not consist of
    candles of the source.
    """
    try:
        resampler = Resampler(source, target)
    except ValueError as problem:
        raise Invalid(str(problem)) from None
    series = CandleSeries(instrument_id=instrument_id, timeframe=target)
    counts, made, begun = UpsertCounts(), list[Candle](), list[datetime]()
    last: datetime | None = None
    async for row in store.closed(CandleSeries(instrument_id=instrument_id, timeframe=source)):
        last = row.candle.open_time
        opened = target.open_of(last)
        if not begun or begun[-1] != opened:
            begun.append(opened)
        larger = resampler.push(row.candle)
        if larger is not None:
            begun.pop()
            made.append(larger)
        if len(made) >= BATCH_ROWS:
            counts = add_counts(
                counts, await store_candles(store, series, made, CandleSource.RESAMPLE, now)
            )
            made = []
    counts = add_counts(
        counts, await store_candles(store, series, made, CandleSource.RESAMPLE, now)
    )
    if begun and last is not None and target.next_open(begun[-1]) > source.next_open(last):
        begun.pop()  # It still is forming.
    return ResampleResult(timeframe=target, counts=counts, incomplete=begun)
