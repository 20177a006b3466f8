"""Rows of ``candles``."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.registry.gateway_events import write_gateway_events
from oms.domain.market.candle import Candle
from oms.domain.market.candle_events import candle_event
from oms.domain.market.candle_rows import CandleRow, CandleSource, RowOutcome, merge_rows
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_store import CandleSeries, SeriesCoverage, UpsertCounts

_KEY = ("instrument_id", "timeframe", "open_time")
_VALUES = ("open", "high", "low", "close", "volume", "is_closed", "source", "updated_at")
_UPSERT = BulkInsert(table="candles", columns=(*_KEY, *_VALUES), key=_KEY, update_columns=_VALUES)
_SELECT = f"SELECT open_time, {', '.join(_VALUES)} FROM candles"
PAGE_ROWS = 5000
SERIES_PER_QUERY_MAX = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SqlCandles:
    """``ports.market.candle_store.CandleStore``."""

    def __init__(self, database: Database, ids: SqlIdBlocks) -> None:
        self._database = database
        self._ids = ids
        self._dialect = database.dialect

    async def upsert(
        self,
        series: CandleSeries,
        rows: Sequence[CandleRow],
        announced: MarketInstrument | None = None,
    ) -> UpsertCounts:
        """Store rows in one transaction, by ``merge_rows``, and their events.

        Raises ``Unavailable``.
        """
        if not rows:
            return UpsertCounts()
        times = [row.candle.open_time for row in rows]
        assert len(set(times)) == len(times), "open times differ"
        first_id = await self._ids.allocate("event", 0 if announced is None else len(rows))

        async def work(session: Session) -> Counter[RowOutcome]:
            stored = await self._lock_rows(session, series, times)
            outcomes = [merge_rows(stored.get(row.candle.open_time), row) for row in rows]
            changed = [
                row
                for row, outcome in zip(rows, outcomes, strict=True)
                if outcome is not RowOutcome.UNCHANGED
            ]
            if changed:
                await _UPSERT(session, [(*self._key(series), *self._to_row(r)) for r in changed])
            if announced is not None:
                found = [
                    candle_event(announced, series.timeframe, stored.get(r.candle.open_time), r)
                    for r in changed
                ]
                events = [event for event in found if event is not None]
                await write_gateway_events(
                    session, first_id, events, max(r.updated_at for r in rows)
                )
            return Counter(outcomes)

        counts = await self._database.commit(work)
        return UpsertCounts(
            inserted=counts[RowOutcome.INSERTED],
            updated=counts[RowOutcome.UPDATED],
            unchanged=counts[RowOutcome.UNCHANGED],
        )

    async def _lock_rows(
        self, session: Session, series: CandleSeries, times: Sequence[datetime]
    ) -> dict[datetime, CandleRow]:
        """Return the stored rows by open time; writers of one instrument follow each other."""
        dialect = session.dialect
        lock = f"SELECT id FROM instruments WHERE id = {dialect.param}{dialect.for_update}"
        await session.fetch(lock, (series.instrument_id,))
        where, values = self._range(series, min(times), series.timeframe.next_open(max(times)))
        found = await session.fetch(f"{_SELECT} WHERE {where}", values)
        return {row.candle.open_time: row for row in map(self._from_row, found)}

    async def newest(
        self,
        series: CandleSeries,
        *,
        start: datetime | None,
        end: datetime | None,
        limit: int,
        include_open: bool = False,
    ) -> Sequence[CandleRow]:
        """Return the newest rows that open in [start, end), ascending. Raises ``Unavailable``."""
        where, values = self._range(series, start, end)
        closed = "" if include_open else " AND is_closed = 1"
        text = (
            f"{_SELECT} WHERE {where}{closed} ORDER BY open_time DESC LIMIT {self._dialect.param}"
        )
        rows = await self._database.fetch(text, (*values, limit))
        return [self._from_row(row) for row in reversed(rows)]

    async def closed(
        self, series: CandleSeries, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[CandleRow]:
        """Yield all closed rows that open in [start, end), ascending. Raises ``Unavailable``."""
        async for rows in self._pages(_SELECT, series, start, end):
            for row in rows:
                yield self._from_row(row)

    async def open_times(
        self, series: CandleSeries, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[datetime]:
        """Yield when the closed rows of [start, end) opened, ascending. Raises ``Unavailable``."""
        async for rows in self._pages("SELECT open_time FROM candles", series, start, end):
            for row in rows:
                yield self._dialect.decode_time(row[0])

    async def _pages(
        self, select: str, series: CandleSeries, start: datetime | None, end: datetime | None
    ) -> AsyncIterator[Sequence[Sequence[Any]]]:
        """Yield pages of closed rows, ascending; their first column is the open time."""
        where, values = self._range(series, start or _EPOCH, end)
        param = self._dialect.param
        text = f"{select} WHERE {where} AND is_closed = 1 ORDER BY open_time LIMIT {param}"
        rows = await self._database.fetch(text, (*values, PAGE_ROWS))
        while rows:
            yield rows
            if len(rows) < PAGE_ROWS:
                return
            following = self._dialect.decode_time(rows[-1][0]) + _MICROSECOND
            _, values = self._range(series, following, end)
            rows = await self._database.fetch(text, (*values, PAGE_ROWS))

    async def count(self, series: CandleSeries, end: datetime | None = None) -> int:
        """Return how many closed rows open before ``end``. Raises ``Unavailable``."""
        where, values = self._range(series, None, end)
        text = f"SELECT COUNT(*) FROM candles WHERE {where} AND is_closed = 1"
        return int((await self._database.fetch(text, values))[0][0])

    async def newest_closed(
        self, series: Collection[CandleSeries]
    ) -> Mapping[CandleSeries, datetime]:
        """Return the open times of the newest closed rows. Raises ``Unavailable``."""
        found: dict[CandleSeries, datetime] = {}
        wanted = [*series]
        for first in range(0, len(wanted), SERIES_PER_QUERY_MAX):
            part = wanted[first : first + SERIES_PER_QUERY_MAX]
            where = [self._range(each, None, None) for each in part]
            texts = [
                f"(SELECT open_time FROM candles WHERE {text} AND is_closed = 1"
                " ORDER BY open_time DESC LIMIT 1)"
                for text, _ in where
            ]
            values = [value for _, own in where for value in own]
            row = (await self._database.fetch(f"SELECT {', '.join(texts)}", values))[0]
            times = zip(part, row, strict=True)
            found |= {each: self._dialect.decode_time(at) for each, at in times if at is not None}
        return found

    async def coverage(self, instrument_id: int) -> Sequence[SeriesCoverage]:
        """Return what is stored of an instrument, by timeframe. Raises ``Unavailable``."""
        rows = await self._database.fetch(
            "SELECT timeframe, COUNT(*), MIN(open_time), MAX(open_time) FROM candles"
            f" WHERE instrument_id = {self._dialect.param} AND is_closed = 1 GROUP BY timeframe",
            (instrument_id,),
        )
        decode = self._dialect.decode_time
        found = {Timeframe(row[0]): (int(row[1]), decode(row[2]), decode(row[3])) for row in rows}
        return [
            SeriesCoverage(
                series=CandleSeries(instrument_id=instrument_id, timeframe=each),
                count=found[each][0],
                first=found[each][1],
                last=found[each][2],
            )
            for each in Timeframe
            if each in found
        ]

    def _key(self, series: CandleSeries) -> tuple[Any, ...]:
        return series.instrument_id, series.timeframe.value

    def _range(
        self, series: CandleSeries, start: datetime | None, end: datetime | None
    ) -> tuple[str, tuple[Any, ...]]:
        param, encode = self._dialect.param, self._dialect.encode_time
        parts = [f"instrument_id = {param}", f"timeframe = {param}"]
        values = [*self._key(series)]
        for sign, bound in ((">=", start), ("<", end)):
            if bound is not None:
                parts.append(f"open_time {sign} {param}")
                values.append(encode(bound))
        return " AND ".join(parts), tuple(values)

    def _to_row(self, row: CandleRow) -> tuple[Any, ...]:
        candle, encode = row.candle, self._dialect.encode_decimal
        return (
            self._dialect.encode_time(candle.open_time),
            *(encode(candle.open), encode(candle.high), encode(candle.low), encode(candle.close)),
            self._dialect.encode_optional_decimal(candle.volume),
            *(row.is_closed, row.source.value, self._dialect.encode_time(row.updated_at)),
        )

    def _from_row(self, row: Sequence[Any]) -> CandleRow:
        decode = self._dialect.decode_decimal
        candle = Candle(
            open_time=self._dialect.decode_time(row[0]),
            open=decode(row[1]),
            high=decode(row[2]),
            low=decode(row[3]),
            close=decode(row[4]),
            volume=self._dialect.decode_optional_decimal(row[5]),
        )
        return CandleRow(
            candle=candle,
            is_closed=bool(row[6]),
            source=CandleSource(row[7]),
            updated_at=self._dialect.decode_time(row[8]),
        )
