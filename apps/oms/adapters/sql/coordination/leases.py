"""Leases in ``account_leases``; tokens are copied to ``account_streams``, where writers are fenced.

All times come from the database clock, so host clocks need not agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database, Work
from oms.adapters.sql.connection.session import Session
from oms.ports.leases import Lease, WorkerRow

ACCOUNTS_PER_STATEMENT_MAX = 500

Part = TypeVar("Part", int, Lease)


class SqlLeases:
    """``ports.leases.Leases``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def free(self, limit: int) -> Sequence[int]:
        """Return accounts without a live lease, ascending. Raises ``Unavailable``."""
        text = (
            "SELECT account_id FROM account_leases"
            f" WHERE owner = '' OR expires_at <= {self._dialect.now}"
            f" ORDER BY account_id LIMIT {self._dialect.param}"
        )
        return [row[0] for row in await self._database.fetch(text, (limit,))]

    async def acquire(
        self, owner: str, account_ids: Sequence[int], seconds: float
    ) -> Sequence[Lease]:
        """Lease the free accounts. Raises ``Unavailable``; then no lease may be assumed."""
        leases: list[Lease] = []
        for part in _chunks(sorted(set(account_ids))):

            async def work(session: Session, part: Sequence[int] = part) -> Sequence[Lease]:
                return await self._take(session, owner, part, seconds)

            leases.extend(await self._write(work))
        return leases

    async def credential_followers(self) -> Mapping[int, int]:
        """Return lead accounts by follower account. Raises ``Unavailable``."""
        return {row[0]: row[1] for row in await self._database.fetch(_FOLLOWERS, ())}

    async def renew(self, owner: str, leases: Sequence[Lease], seconds: float) -> Sequence[int]:
        """Extend the leases; returns the accounts whose lease is lost. Raises ``Unavailable``."""
        held: set[tuple[int, int]] = set()
        for part in _chunks([lease.account_id for lease in leases]):

            async def work(session: Session, part: Sequence[int] = part) -> Sequence[Any]:
                return await self._extend(session, owner, part, seconds)

            held.update((row[0], row[1]) for row in await self._write(work))
        return [lease.account_id for lease in leases if (lease.account_id, lease.token) not in held]

    async def release(self, owner: str, leases: Sequence[Lease]) -> None:
        """Release the leases. Raises ``Unavailable``; then they expire."""
        param = self._dialect.param
        for part in _chunks(leases):
            # Matching the token keeps a late release from freeing a newer lease.
            held = " OR ".join([f"(account_id = {param} AND token = {param})"] * len(part))
            text = (
                f"UPDATE account_leases SET owner = '', expires_at = {self._dialect.now}"
                f" WHERE owner = {param} AND ({held})"
            )
            values = (owner, *(each for one in part for each in (one.account_id, one.token)))

            async def work(
                session: Session, text: str = text, values: Sequence[Any] = values
            ) -> None:
                await session.execute(text, values)

            await self._write(work)

    async def release_all(self, owner: str) -> None:
        """Release all leases of ``owner``. Raises ``Unavailable``."""
        text = f"UPDATE account_leases SET owner = '' WHERE owner = {self._dialect.param}"

        async def work(session: Session) -> None:
            await session.execute(text, (owner,))

        await self._write(work)

    async def heartbeat(self, worker_id: str, host: str, status: str) -> None:
        """Store the heartbeat of a worker. Raises ``Unavailable``."""
        param, now = self._dialect.param, self._dialect.now
        tail = self._dialect.upsert_clause(("worker_id",), ("host", "heartbeat_at", "status_json"))
        text = (
            "INSERT INTO workers (worker_id, host, heartbeat_at, status_json)"
            f" VALUES ({param}, {param}, {now}, {param})" + tail
        )

        async def work(session: Session) -> None:
            await session.execute(text, (worker_id, host, status))

        await self._write(work)

    async def workers(self, alive_within_seconds: float) -> Sequence[WorkerRow]:
        """Return workers with a recent heartbeat. Raises ``Unavailable``."""
        age = self._dialect.age.format("heartbeat_at")
        text = f"SELECT worker_id, host, {age}, status_json FROM workers ORDER BY worker_id"
        return [
            WorkerRow(
                worker_id=row[0],
                host=row[1],
                heartbeat_age_seconds=max(float(row[2]), 0.0),
                status=row[3],
            )
            for row in await self._database.fetch(text, ())
            if row[2] <= alive_within_seconds
        ]

    async def forget_worker(self, worker_id: str) -> None:
        """Delete a worker's row. Raises ``Unavailable``."""
        text = f"DELETE FROM workers WHERE worker_id = {self._dialect.param}"

        async def work(session: Session) -> None:
            await session.execute(text, (worker_id,))

        await self._write(work)

    async def owners(self) -> Mapping[int, str]:
        """Return the owners of live leases by account. Raises ``Unavailable``."""
        text = (
            "SELECT account_id, owner FROM account_leases WHERE account_id > 0 AND owner <> ''"
            f" AND expires_at > {self._dialect.now}"
        )
        return {row[0]: row[1] for row in await self._database.fetch(text, ())}

    async def counts(self) -> Mapping[str, int]:
        """Return the number of live leases by owner. Raises ``Unavailable``."""
        text = (
            "SELECT owner, COUNT(*) FROM account_leases WHERE account_id > 0 AND owner <> ''"
            f" AND expires_at > {self._dialect.now} GROUP BY owner"
        )
        return {row[0]: int(row[1]) for row in await self._database.fetch(text, ())}

    async def _take(
        self, session: Session, owner: str, account_ids: Sequence[int], seconds: float
    ) -> Sequence[Lease]:
        dialect = self._dialect
        params = dialect.params(len(account_ids))
        text = f"{_FOLLOWERS} AND mine.account_id IN ({params})"
        leads = {row[0]: row[1] for row in await session.fetch(text, account_ids)}
        locked = sorted({*account_ids, *leads.values()})
        is_free = f"(owner = '' OR expires_at <= {dialect.now})"
        text = (
            f"SELECT account_id, token + 1, CASE WHEN {is_free} THEN 1 ELSE 0 END"
            f" FROM account_leases WHERE account_id IN ({dialect.params(len(locked))})"
            f" AND ({is_free} OR owner = {dialect.param})"
            f" ORDER BY account_id{dialect.for_update}"
        )
        rows = await session.fetch(text, (*locked, owner))
        leases = _select_leases(rows, frozenset(account_ids), leads)
        if not leases:
            return ()
        taken = [lease.account_id for lease in leases]
        await session.execute(
            f"UPDATE account_leases SET owner = {dialect.param}, token = token + 1,"
            f" expires_at = {dialect.now_plus}"
            f" WHERE account_id IN ({dialect.params(len(taken))})",
            (owner, dialect.encode_seconds(seconds), *taken),
        )
        await _UPDATE_FENCE(session, [(lease.account_id, 0, lease.token) for lease in leases])
        return leases

    async def _extend(
        self, session: Session, owner: str, account_ids: Sequence[int], seconds: float
    ) -> Sequence[Any]:
        dialect = self._dialect
        held = (
            f" WHERE owner = {dialect.param} AND expires_at > {dialect.now}"
            f" AND account_id IN ({dialect.params(len(account_ids))})"
        )
        await session.execute(
            f"UPDATE account_leases SET expires_at = {dialect.now_plus}{held}",
            (dialect.encode_seconds(seconds), owner, *account_ids),
        )
        text = f"SELECT account_id, token FROM account_leases{held}"
        return await session.fetch(text, (owner, *account_ids))

    async def _write(self, work: Work[Any]) -> Any:
        return await self._database.commit(work)


#: The lowest account id with the same credentials is the lead; the owner of its lease takes the
#: others.
_FOLLOWERS = (
    "SELECT mine.account_id, shared.lowest FROM account_credentials_encrypted mine"
    " JOIN (SELECT fingerprint, MIN(account_id) AS lowest FROM account_credentials_encrypted"
    " GROUP BY fingerprint HAVING COUNT(*) > 1) shared ON shared.fingerprint = mine.fingerprint"
    " WHERE mine.account_id <> shared.lowest"
)


def _select_leases(
    rows: Sequence[Any], requested: frozenset[int], leads: Mapping[int, int]
) -> Sequence[Lease]:
    """Return the leases to take of rows (account, next token, is free), free or already ours."""
    held = {row[0] for row in rows if not row[2]}
    leases = []
    for account_id, token, is_free in rows:
        lead = leads.get(account_id)
        if is_free and account_id in requested and (lead is None or lead in held):
            leases.append(Lease(account_id=account_id, token=token))
            held.add(account_id)
    return leases


#: Copies new tokens to where writers are fenced; the rows exist.
_UPDATE_FENCE = BulkInsert(
    table="account_streams",
    columns=("account_id", "head_seq", "lease_token"),
    key=("account_id",),
    update_columns=("lease_token",),
)


def _chunks(each: Sequence[Part]) -> Iterator[Sequence[Part]]:
    for start in range(0, len(each), ACCOUNTS_PER_STATEMENT_MAX):
        yield each[start : start + ACCOUNTS_PER_STATEMENT_MAX]
