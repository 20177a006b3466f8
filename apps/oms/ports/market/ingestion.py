"""Series of candles that the runner keeps up to date."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.audit_log import AuditContext
from oms.ports.market.candle_fetcher import CandleFetcher
from oms.ports.runner.task_leases import TaskLease

INGESTION_TASK = "ingestion"


@value
class Ingestion:
    """One series; ``start`` is where it begins if no candle is stored."""

    id: int
    instrument: MarketInstrument
    timeframe: Timeframe
    is_enabled: bool
    start: datetime
    #: When it was last fetched, with or without success.
    fetched_at: datetime | None = None
    #: Open time of the newest closed candle that a fetch found stored.
    newest_open: datetime | None = None
    #: Why the last fetch failed.
    last_error: str | None = None


class IngestionStore(Protocol):
    """Rows of ingestions; every method raises ``Unavailable``."""

    async def all(self, *, only_enabled: bool = False) -> Sequence[Ingestion]:
        """Return ingestions, ascending by exchange, symbol and timeframe."""
        ...

    async def set(self, ingestion: Ingestion, audit_context: AuditContext) -> Ingestion:
        """Store an ingestion, with its audit row; that of its series is replaced.

        The result of earlier fetches stays.
        """
        ...

    async def record(self, lease: TaskLease, ingestion: Ingestion) -> None:
        """Store the result of a fetch. Raises ``LeaseLost``."""
        ...


class CandleFetchers(Protocol):
    """The fetchers of a process, one for each exchange, opened when they are first used."""

    async def open(self, exchange: str) -> CandleFetcher:
        """Return the fetcher of an exchange. Raises ``Invalid``, ``Unavailable``."""
        ...

    async def close(self) -> None:
        """Close all of them; a later ``open`` opens them again."""
        ...
