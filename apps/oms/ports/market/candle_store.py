"""Stores of instruments and their candles."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.market.candle_rows import CandleRow
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.audit_log import AuditContext


@value
class CandleSeries:
    """The candles of one instrument in one timeframe."""

    instrument_id: int
    timeframe: Timeframe


@value
class UpsertCounts:
    """What a write did to the stored rows, as the database had them."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0


@value
class SeriesCoverage:
    """What is stored of a series; times are open times, inclusive."""

    series: CandleSeries
    count: int
    first: datetime
    last: datetime


class InstrumentStore(Protocol):
    """Instruments of the candle store."""

    async def add(
        self, instrument: MarketInstrument, audit_context: AuditContext
    ) -> MarketInstrument:
        """Store an instrument under a new id, with its audit row.

        Raises ``Conflict``, ``Unavailable``.
        """
        ...

    async def find(self, exchange: str, symbol: str) -> MarketInstrument | None:
        """Return an instrument. Raises ``Unavailable``."""
        ...

    async def all(
        self, exchange: str | None = None, *, active: bool | None = None
    ) -> Sequence[MarketInstrument]:
        """Return instruments, ascending by exchange and symbol. Raises ``Unavailable``."""
        ...


class CandleStore(Protocol):
    """Candles of instruments."""

    async def upsert(
        self,
        series: CandleSeries,
        rows: Sequence[CandleRow],
        announced: MarketInstrument | None = None,
    ) -> UpsertCounts:
        """Store rows of different open times in one transaction, by ``merge_rows``.

        With ``announced``, the instrument, an event of each closed candle that is new or changed is
        stored with them, in the stream of account 0. A repeated call changes nothing. Raises
        ``Unavailable``.
        """
        ...

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
        ...

    def closed(
        self, series: CandleSeries, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[CandleRow]:
        """Yield all closed rows that open in [start, end), ascending. Raises ``Unavailable``."""
        ...

    def open_times(
        self, series: CandleSeries, start: datetime | None = None, end: datetime | None = None
    ) -> AsyncIterator[datetime]:
        """Yield when the closed rows of [start, end) opened, ascending. Raises ``Unavailable``."""
        ...

    async def count(self, series: CandleSeries, end: datetime | None = None) -> int:
        """Return how many closed rows open before ``end``. Raises ``Unavailable``."""
        ...

    async def newest_closed(
        self, series: Collection[CandleSeries]
    ) -> Mapping[CandleSeries, datetime]:
        """Return the open times of the newest closed rows, in one query; none where there is none.

        Raises ``Unavailable``.
        """
        ...

    async def coverage(self, instrument_id: int) -> Sequence[SeriesCoverage]:
        """Return what is stored of an instrument, by timeframe. Raises ``Unavailable``."""
        ...
