"""Fetches the candles of an exchange that are not stored."""

from collections.abc import Callable, Sequence
from datetime import datetime

from oms.domain.errors import Conflict, Invalid, NotFound
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleSource
from oms.domain.market.data_gaps import CandleGap, find_gaps
from oms.domain.market.market_instrument import MarketInstrument, TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.ports.market.candle_fetcher import CandleFetcher
from oms.ports.market.candle_store import CandleSeries, CandleStore, InstrumentStore, UpsertCounts
from oms.services.candles.store_candles import add_counts, store_candles

#: Pages without a candle, one after the other, that end the fetch of a range.
EMPTY_PAGES_MAX = 3


@value
class FetchResult:
    """What was fetched and stored of a range."""

    timeframe: Timeframe
    fetched: int = 0
    invalid: int = 0
    counts: UpsertCounts = UpsertCounts()
    #: The exchange had no candles for ``EMPTY_PAGES_MAX`` pages.
    has_stopped: bool = False


@value
class CandleFetch:
    """Fetches candles of one instrument into a store, page by page.

    What a call stored stays if it fails later: the next call fetches what is missing then.
    """

    fetcher: CandleFetcher
    store: CandleStore
    clock: Clock
    #: Candles of one request.
    page_candles: int = 1000
    #: Whether closed candles are reported as events.
    announces: bool = False

    async def __call__(
        self,
        instrument: MarketInstrument,
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        on_page: Callable[[int, int], None],
    ) -> FetchResult:
        """Fetch what is not stored as closed of [start, end); nothing else is stored.

        ``on_page`` is called with the number of periods that are done and of all that are missing.
        Raises ``NotFound``, ``Invalid``, ``Unavailable``.
        """
        ranges = await self._missing_ranges(instrument, timeframe, start, end)
        total = sum(each.count for each in ranges)
        result, done = FetchResult(timeframe=timeframe), 0
        for missing in ranges:

            def report(count: int, before: int = done) -> None:
                on_page(before + count, total)

            result = await self._fetch_range(instrument, result, missing, report)
            done += missing.count
            on_page(done, total)
        return result

    async def _fetch_range(
        self,
        instrument: MarketInstrument,
        result: FetchResult,
        missing: CandleGap,
        report: Callable[[int], None],
    ) -> FetchResult:
        timeframe = result.timeframe
        series = CandleSeries(instrument_id=instrument.id, timeframe=timeframe)
        since, empty_pages, invalid = missing.start, 0, result.invalid
        fetched, counts = result.fetched, result.counts
        while since < missing.end and empty_pages < EMPTY_PAGES_MAX:
            # Read before the request: a candle counts as closed by when it was requested.
            now = self.clock.now()
            page = await self.fetcher.fetch(instrument.symbol, timeframe, since, self.page_candles)
            invalid += page.invalid
            candles = [each for each in page.candles if since <= each.open_time < missing.end]
            announced = instrument if self.announces else None
            stored = await store_candles(
                self.store, series, candles, CandleSource.EXCHANGE, now, announced
            )
            fetched, counts = fetched + len(candles), add_counts(counts, stored)
            if any(each.open_time >= missing.end for each in page.candles):
                break
            since = _following(candles, timeframe, since, self.page_candles)
            empty_pages = 0 if candles else empty_pages + 1
            report(_periods(missing.start, min(since, missing.end), timeframe))
        return FetchResult(
            timeframe=timeframe,
            fetched=fetched,
            invalid=invalid,
            counts=counts,
            has_stopped=result.has_stopped or empty_pages == EMPTY_PAGES_MAX,
        )

    async def _missing_ranges(
        self, instrument: MarketInstrument, timeframe: Timeframe, start: datetime, end: datetime
    ) -> Sequence[CandleGap]:
        """Return what is not stored as closed; ranges that one request covers are joined."""
        if instrument.session is not TradingSession.CONTINUOUS:
            return list(find_gaps((), timeframe, start, end))
        series = CandleSeries(instrument_id=instrument.id, timeframe=timeframe)
        times = [row.candle.open_time async for row in self.store.closed(series, start, end)]
        joined: list[CandleGap] = []
        for gap in find_gaps(times, timeframe, start, end):
            if joined:
                count = _periods(joined[-1].start, gap.end, timeframe)
                if count <= self.page_candles:
                    joined[-1] = CandleGap(start=joined[-1].start, end=gap.end, count=count)
                    continue
            joined.append(gap)
        return joined


async def ensure_instrument(
    instruments: InstrumentStore,
    fetcher: CandleFetcher,
    exchange: str,
    symbol: str,
    audit_context: AuditContext,
) -> MarketInstrument:
    """Return the stored instrument; one that the exchange trades is stored first.

    Raises ``NotFound``, ``Unavailable``.
    """
    found = await instruments.find(exchange, symbol)
    if found is not None:
        return found
    traded = next((each for each in fetcher.instruments() if each.symbol == symbol), None)
    if traded is None:
        raise NotFound(f"{exchange} has no market {symbol}", reason="unknown_instrument")
    return await _add(instruments, traded, audit_context)


async def load_instruments(
    instruments: InstrumentStore,
    fetcher: CandleFetcher,
    exchange: str,
    quote: str | None,
    audit_context: AuditContext,
) -> tuple[Sequence[MarketInstrument], int]:
    """Store the instruments of an exchange; return the new ones and how many were stored before.

    An instrument that is stored stays as it is. Raises ``Unavailable``.
    """
    traded = [each for each in fetcher.instruments() if quote in (None, each.quote)]
    stored = {each.symbol for each in await instruments.all(exchange)}
    new = [
        await _add(instruments, each, audit_context) for each in traded if each.symbol not in stored
    ]
    return new, len(traded) - len(new)


async def _add(
    instruments: InstrumentStore, traded: MarketInstrument, audit_context: AuditContext
) -> MarketInstrument:
    try:
        return await instruments.add(traded, audit_context)
    except Conflict:
        found = await instruments.find(traded.exchange, traded.symbol)
        if found is None:
            raise
        return found


def check_range(start: datetime, end: datetime) -> None:
    """Raise ``Invalid`` for a range without a candle."""
    if start >= end:
        raise Invalid(f"start {start.isoformat()} must be before end {end.isoformat()}")


def _following(
    candles: Sequence[Candle], timeframe: Timeframe, since: datetime, count: int
) -> datetime:
    """Return where the next page begins."""
    if candles:
        return timeframe.next_open(candles[-1].open_time)
    for _ in range(count):
        since = timeframe.next_open(since)
    return since


def _periods(start: datetime, end: datetime, timeframe: Timeframe) -> int:
    return sum(gap.count for gap in find_gaps((), timeframe, start, end))
