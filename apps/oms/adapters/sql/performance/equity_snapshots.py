"""Rows of ``equity_snapshots``; written under the account's lease, outside of ledger commits."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.replica_reads import ReportReads
from oms.adapters.sql.connection.session import Session
from oms.ports.leases import Lease
from oms.ports.performance.equity_snapshots import EquitySnapshot

_AMOUNTS = ("cash", "equity", "unrealized", "realized", "fees", "flows")
COLUMNS = ("account_id", "ts", "currency", *_AMOUNTS)
_SELECTED = ", ".join(COLUMNS)
#: By characters of the period in the text of a time (``2026-01-31``, ``2026-01-31T23``): the age
#: from which one snapshot of each period is kept.
_KEPT = {10: timedelta(days=365), 13: timedelta(days=30)}
#: How much of the history one call looks at.
_PART = timedelta(days=30)


class SqlEquitySnapshots:
    """``ports.performance.equity_snapshots.EquitySnapshotStore``."""

    def __init__(self, database: Database, reports: ReportReads | None = None) -> None:
        self._database = database
        self._reports: ReportReads = reports or database
        self._dialect = database.dialect
        #: Up to where the history is thinned, by characters of the period.
        self._thinned_until: dict[int, datetime] = {}

    async def add(self, snapshots: Sequence[tuple[Lease, EquitySnapshot]]) -> frozenset[int]:
        """Store a snapshot of each account; returns the accounts of which one was stored.

        Left out are accounts whose lease is lost, or that have one of that time.
        """
        if not snapshots:
            return frozenset()
        dialect = self._dialect
        text = (
            f"INSERT INTO equity_snapshots ({_SELECTED})"
            f" SELECT {dialect.params(len(COLUMNS))} FROM account_streams"
            f" WHERE account_id = {dialect.param} AND lease_token = {dialect.param}"
            f" AND NOT EXISTS (SELECT 1 FROM equity_snapshots WHERE account_id = {dialect.param}"
            f" AND ts = {dialect.param})"
        )
        rows = [
            (*row, lease.account_id, lease.token, row[0], row[1])
            for lease, snapshot in snapshots
            for row in [_to_row(snapshot, dialect)]
        ]

        async def work(session: Session) -> frozenset[int]:
            return frozenset([row[0] for row in rows if await session.execute(text, row)])

        return await self._database.commit(work)

    async def latest(self, account_ids: Sequence[int]) -> Mapping[int, EquitySnapshot]:
        """Return the last snapshot of each account, in whatever currency."""
        if not account_ids:
            return {}
        dialect = self._dialect
        last = (
            "SELECT account_id, MAX(ts) AS ts FROM equity_snapshots"
            f" WHERE account_id IN ({dialect.params(len(account_ids))}) GROUP BY account_id"
        )
        names = ", ".join(f"s.{name}" for name in COLUMNS)
        text = (
            f"SELECT {names} FROM ({last}) AS l JOIN equity_snapshots s"
            " ON s.account_id = l.account_id AND s.ts = l.ts"
        )
        rows = await self._reports.fetch_of_accounts(account_ids, text, tuple(account_ids))
        return {row[0]: _from_row(row, dialect) for row in rows}

    async def latest_in(
        self, account_id: int, currency: str, until: datetime | None = None
    ) -> EquitySnapshot | None:
        """Return the last snapshot in a currency, of those at ``until`` or before."""
        dialect, param = self._dialect, self._dialect.param
        where, values = f"account_id = {param} AND currency = {param}", [account_id, currency]
        if until is not None:
            where += f" AND ts <= {param}"
            values.append(dialect.encode_time(until))
        text = f"SELECT {_SELECTED} FROM equity_snapshots WHERE {where} ORDER BY ts DESC LIMIT 1"
        rows = await self._reports.fetch_of_accounts((account_id,), text, values)
        return _from_row(rows[0], dialect) if rows else None

    async def between(
        self,
        account_id: int,
        currency: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Sequence[EquitySnapshot]:
        """Return the snapshots in a currency of ``since <= ts < until``, ascending."""
        dialect, param = self._dialect, self._dialect.param
        where, values = f"account_id = {param} AND currency = {param}", [account_id, currency]
        for moment, sign in ((since, ">="), (until, "<")):
            if moment is not None:
                where += f" AND ts {sign} {param}"
                values.append(dialect.encode_time(moment))
        text = f"SELECT {_SELECTED} FROM equity_snapshots WHERE {where} ORDER BY ts"
        if limit is not None:
            text += f" LIMIT {limit}"
        rows = await self._reports.fetch_of_accounts((account_id,), text, values)
        return await asyncio.to_thread(lambda: [_from_row(row, dialect) for row in rows])

    async def thin(self, now: datetime, limit: int) -> int:
        """Delete what is kept no longer, at most ``limit`` rows; returns their number."""
        deleted = 0
        for characters, age in _KEPT.items():
            deleted += await self._thin_to(characters, now - age, limit - deleted)
        return deleted

    async def _thin_to(self, characters: int, until: datetime, limit: int) -> int:
        """Keep the last snapshot of each period before ``until``; one part of them per call.

        Rows that were looked at before are skipped.
        """
        dialect, param = self._dialect, self._dialect.param
        since = self._thinned_until.get(characters) or await self._oldest()
        if since is None or since >= until:
            return 0
        end = min(since + _PART, until)
        following = (
            "SELECT MIN(n.ts) FROM equity_snapshots n"
            " WHERE n.account_id = s.account_id AND n.ts > s.ts"
        )
        period = f"SUBSTR(CAST({{}} AS CHAR(32)), 1, {characters})"
        text = (
            f"SELECT s.account_id, s.ts FROM equity_snapshots s WHERE s.ts >= {param}"
            f" AND s.ts < {param} AND {period.format(f'({following})')} = {period.format('s.ts')}"
            f" ORDER BY s.ts LIMIT {param}"
        )
        values = (dialect.encode_time(since), dialect.encode_time(end), limit)
        rows = await self._database.fetch(text, values)
        await self._delete(rows)
        self._thinned_until[characters] = since if len(rows) == limit else end
        return len(rows)

    async def _oldest(self) -> datetime | None:
        ((oldest,),) = await self._database.fetch("SELECT MIN(ts) FROM equity_snapshots")
        return self._dialect.decode_optional_time(oldest)

    async def _delete(self, rows: Sequence[Any]) -> None:
        if not rows:
            return
        param = self._dialect.param
        text = f"DELETE FROM equity_snapshots WHERE account_id = {param} AND ts = {param}"

        async def work(session: Session) -> None:
            for account_id, ts in rows:
                await session.execute(text, (account_id, ts))

        await self._database.commit(work)


def _to_row(snapshot: EquitySnapshot, dialect: Dialect) -> tuple[Any, ...]:
    amounts = (dialect.encode_decimal(getattr(snapshot, name)) for name in _AMOUNTS)
    return (snapshot.account_id, dialect.encode_time(snapshot.ts), snapshot.currency, *amounts)


def _from_row(row: Any, dialect: Dialect) -> EquitySnapshot:
    decimal = dialect.decode_decimal
    return EquitySnapshot(
        account_id=row[0],
        ts=dialect.decode_time(row[1]),
        currency=row[2],
        cash=decimal(row[3]),
        equity=decimal(row[4]),
        unrealized=decimal(row[5]),
        realized=decimal(row[6]),
        fees=decimal(row[7]),
        flows=decimal(row[8]),
    )
