"""Stored funding rates of contracts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.market.funding_rate import FundingRate
from oms.ports.market.candle_store import UpsertCounts


class FundingRates(Protocol):
    """Rates by instrument and time; every method raises ``Unavailable``."""

    async def upsert(self, instrument_id: int, rates: Sequence[FundingRate]) -> UpsertCounts:
        """Store rates in one transaction; one that is known with another value replaces it."""
        ...

    async def of(self, instrument_id: int, end: datetime | None) -> Sequence[FundingRate]:
        """Return the rates until ``end``, ascending; ``None``: all."""
        ...
