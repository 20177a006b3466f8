"""Rows of ``funding_rates``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.domain.market.funding_rate import FundingRate
from oms.ports.market.candle_store import UpsertCounts

_UPSERT = BulkInsert(
    table="funding_rates",
    columns=("instrument_id", "at", "rate"),
    key=("instrument_id", "at"),
    update_columns=("rate",),
)


class SqlFundingRates:
    """``ports.market.funding_rates.FundingRates``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def upsert(self, instrument_id: int, rates: Sequence[FundingRate]) -> UpsertCounts:
        """Store rates. Raises ``Unavailable``."""
        if not rates:
            return UpsertCounts()

        async def work(session: Session) -> UpsertCounts:
            dialect = session.dialect
            text = (
                f"SELECT at, rate FROM funding_rates WHERE instrument_id = {dialect.param}"
                f" AND at >= {dialect.param} AND at <= {dialect.param}{dialect.for_update}"
            )
            times = [dialect.encode_time(rate.at) for rate in rates]
            found = await session.fetch(text, (instrument_id, times[0], times[-1]))
            known = {dialect.decode_time(row[0]): dialect.decode_decimal(row[1]) for row in found}
            inserted = [rate for rate in rates if rate.at not in known]
            updated = [rate for rate in rates if known.get(rate.at, rate.rate) != rate.rate]
            rows = [
                (instrument_id, dialect.encode_time(rate.at), dialect.encode_decimal(rate.rate))
                for rate in (*inserted, *updated)
            ]
            if rows:
                await _UPSERT(session, rows)
            return UpsertCounts(
                inserted=len(inserted),
                updated=len(updated),
                unchanged=len(rates) - len(inserted) - len(updated),
            )

        return await self._database.commit(work)

    async def of(self, instrument_id: int, end: datetime | None) -> Sequence[FundingRate]:
        """Return the rates until ``end``, ascending. Raises ``Unavailable``."""
        dialect = self._dialect
        where, values = f"instrument_id = {dialect.param}", list[Any]([instrument_id])
        if end is not None:
            where = f"{where} AND at <= {dialect.param}"
            values.append(dialect.encode_time(end))
        text = f"SELECT at, rate FROM funding_rates WHERE {where} ORDER BY at"
        return [
            FundingRate(at=dialect.decode_time(row[0]), rate=dialect.decode_decimal(row[1]))
            for row in await self._database.fetch(text, values)
        ]
