"""The command queue on ``oms_commands`` and ``idempotency_keys``.

Storing is optimistic: a group is inserted as if it contained no duplicates. Only when the database
reports a duplicate key are the existing rows read and the group is stored without them.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from oms.adapters.sql.archive.archived_names import ArchivedNames
from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import RECONNECTS_MAX, Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.errors import (
    CommitOutcomeUnknown,
    DuplicateKey,
)
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.adapters.sql.queue.deduplication import RequestKey, StoredKeys, StorePlan, plan_store
from oms.adapters.sql.rows import commands as rows
from oms.adapters.sql.rows.valid_rows import decode_rows
from oms.adapters.sql.signals import store as signal_store
from oms.adapters.sql.signals.store import SameBodyStored
from oms.domain.errors import Unavailable
from oms.ports.command_queue import CommandRow, EnqueueResult, IdempotencyKeyRow, Submission

STORE_ATTEMPTS_MAX = RECONNECTS_MAX + 6
"""Each cached connection may be dead, which leaves the outcome unknown until the next attempt."""
ACCOUNTS_PER_QUERY_MAX = 200
"""With more accounts, those with queued commands are queried first: they are few."""

_KEY_COLUMNS = (
    "scope_hash",
    "fingerprint",
    "status",
    "http_status",
    "response_json",
    "command_ids",
    "expires_at",
    "created_at",
)
_INSERT_KEYS = BulkInsert(table="idempotency_keys", columns=_KEY_COLUMNS, key=("scope_hash",))
_QUEUE_INDEX = "ix_oms_commands_queue"
_ARCHIVED = "archived"
"""Fingerprint of an archived command: its response cannot be repeated."""
_CREATED_AT = rows.SELECTED.split(", ").index("created_at")
_QUEUED_AT = len(rows.SELECTED.split(", "))
_QUEUE_ORDER = ("queued_at", "created_at", "id")
"""Processes of a host with one clock share a millisecond of SQLite: ``created_at`` decides it."""


class SqlCommandQueue:
    """``ports.command_queue.CommandQueue``."""

    def __init__(self, database: Database, *, skips_invalid: bool = False) -> None:
        self._database = database
        #: For verification: commands that cannot be decoded are not found.
        self._skips_invalid = skips_invalid
        self._archived = ArchivedNames(database)

    async def enqueue(self, submissions: Sequence[Submission]) -> Sequence[EnqueueResult]:
        """Store the submissions in one transaction. Raises ``Unavailable``."""
        archived = await self._archived_requests(submissions)
        stored = StoredKeys(requests=archived)
        is_outcome_unknown = False
        for _ in range(STORE_ATTEMPTS_MAX):
            plan = plan_store(submissions, stored)
            try:
                await self._store(plan)
            except DuplicateKey:
                # After an unknown COMMIT the existing rows may be our own: then it was applied.
                if is_outcome_unknown and await self._is_stored(plan):
                    return plan.results
                stored = await self._read_stored_keys(submissions)
                stored = replace(stored, requests={**archived, **stored.requests})
            except SameBodyStored as repeated:
                signals = {**stored.signals, **repeated.stored}
                stored = replace(stored, signals=signals)
            except CommitOutcomeUnknown:
                is_outcome_unknown = True
            else:
                return plan.results
        raise Unavailable("the database is too contended", reason="locks")

    async def take(
        self, account_ids: Sequence[int], limit: int, exclude_ids: Collection[int] = ()
    ) -> Sequence[CommandRow]:
        """Return queued commands of the accounts, oldest first. Raises ``Unavailable``."""
        if len(account_ids) > ACCOUNTS_PER_QUERY_MAX:
            account_ids = await self._accounts_with_queued(account_ids)
        if not account_ids:
            return ()
        taken: dict[int, CommandRow] = {}
        after_key: tuple[Any, ...] | None = None
        while True:
            page = await self._read_queued(account_ids, limit, exclude_ids, after_key)
            for row in page:
                *command, _, after, parent_status, is_hold_over = row
                if after is None:
                    is_ready = is_hold_over is None or is_hold_over
                else:
                    is_done = after in taken or after in exclude_ids
                    is_ready = is_done or is_hold_over or not _is_pending(parent_status)
                if is_ready:
                    taken[command[0]] = rows.command_from_row(command, self._database.dialect)
            # A page full of held commands must not hide the commands after them.
            if len(page) < limit or len(taken) >= limit:
                return list(taken.values())[:limit]
            last = page[-1]
            after_key = last[_QUEUED_AT], last[_CREATED_AT], last[0]

    async def _accounts_with_queued(self, account_ids: Sequence[int]) -> Sequence[int]:
        """Return those of the accounts that have queued commands."""
        table = self._database.dialect.with_index("oms_commands", _QUEUE_INDEX)
        text = f"SELECT DISTINCT account_id FROM {table} WHERE status = 'queued'"
        requested = frozenset(account_ids)
        return [row[0] for row in await self._database.fetch(text) if row[0] in requested]

    async def _read_queued(
        self,
        account_ids: Sequence[int],
        limit: int,
        exclude_ids: Collection[int],
        after_key: tuple[Any, ...] | None,
    ) -> Sequence[Any]:
        """Return queued rows after a key of ``_QUEUE_ORDER``, in order; some may still be held."""
        dialect, param = self._database.dialect, self._database.dialect.param
        accounts, values = dialect.in_list(account_ids)
        excluded = later = ""
        if exclude_ids:
            params, excluded_ids = dialect.in_list(exclude_ids)
            excluded, values = f" AND c.id NOT IN ({params})", (*values, *excluded_ids)
        if after_key is not None:
            later = f" AND (c.queued_at, c.created_at, c.id) > ({dialect.params(3)})"
            values = (*values, *after_key)
        text = (
            f"SELECT {rows.SELECTED_C}, c.queued_at, c.after_command_id, p.status, CASE"
            " WHEN c.hold_until IS NULL THEN NULL"
            f" WHEN c.hold_until <= {dialect.now} THEN 1 ELSE 0 END"
            f" FROM {dialect.with_index('oms_commands', _QUEUE_INDEX, 'c')}"
            " LEFT JOIN oms_commands p ON p.id = c.after_command_id"
            f" WHERE c.status = 'queued' AND c.account_id IN ({accounts}){excluded}{later}"
            f" ORDER BY {', '.join(f'c.{name}' for name in _QUEUE_ORDER)} LIMIT {param}"
        )
        return await self._database.fetch(text, (*values, limit), prepare=True)

    async def find(self, ids: Sequence[int]) -> Mapping[int, CommandRow]:
        """Return commands by id. Raises ``Unavailable``."""
        if not ids:
            return {}
        dialect = self._database.dialect
        params, values = dialect.in_list(ids)
        text = f"SELECT {rows.SELECTED} FROM oms_commands WHERE id IN ({params})"

        found_rows = await self._database.fetch(text, values, prepare=True)
        found = decode_rows(
            found_rows, rows.command_from_row, dialect, skips_invalid=self._skips_invalid
        )
        return {command.id: command for command in found}

    async def depths(self) -> Mapping[int, int]:
        """Return the number of queued commands by account. Raises ``Unavailable``."""
        table = self._database.dialect.with_index("oms_commands", _QUEUE_INDEX)

        text = (
            f"SELECT account_id, COUNT(*) FROM {table} WHERE status = 'queued' GROUP BY account_id"
        )
        return {int(row[0]): int(row[1]) for row in await self._database.fetch(text)}

    async def has_unfinished(self, account_id: int) -> bool:
        """Return whether a command of the account has no result yet. Raises ``Unavailable``."""
        dialect = self._database.dialect
        text = (
            f"SELECT 1 FROM {dialect.with_index('oms_commands', _QUEUE_INDEX)}"
            f" WHERE status IN ('queued', 'running') AND account_id = {dialect.param} LIMIT 1"
        )
        return bool(await self._database.fetch(text, (account_id,)))

    async def drop_expired_keys(self, now: datetime) -> int:
        """Delete expired idempotency keys; returns the number of rows. Raises ``Unavailable``."""
        dialect = self._database.dialect

        async def work(session: Session) -> int:
            return await session.execute(
                f"DELETE FROM idempotency_keys WHERE expires_at <= {dialect.param}",
                (dialect.encode_time(now),),
            )

        return await self._database.commit(work)

    async def _store(self, plan: StorePlan) -> None:
        if not plan.commands and not plan.keys and not plan.signals:
            return
        dialect = self._database.dialect
        commands = [rows.command_to_row(command, dialect) for command in plan.commands]
        created_at = plan.commands[0].created_at if plan.commands else None
        keys = [_key_values(key, created_at or key.expires_at, dialect) for key in plan.keys]

        batch = StatementBatch(dialect)
        _INSERT_KEYS.add_to(batch, keys)
        rows.INSERT.add_to(batch, commands)
        signal_store.add_to(batch, plan.signals)
        if not signal_store.needs_session(plan.signals):
            await self._database.insert(batch)
            return

        async def work(session: Session) -> None:
            await signal_store.refuse_same_bodies(session, plan.signals)
            await session.send(batch)
            await signal_store.write_events(session, plan.signals)

        await self._database.write(work)

    async def _is_stored(self, plan: StorePlan) -> bool:
        ids = [command.id for command in plan.commands]
        if ids:
            return len(await self.find(ids)) == len(ids)
        if not plan.signals:
            return False
        param, signal_id = self._database.dialect.param, plan.signals[0].first.id
        text = f"SELECT id FROM signals WHERE id = {param}"
        return bool(await self._database.fetch(text, (signal_id,)))

    async def _archived_requests(
        self, submissions: Sequence[Submission]
    ) -> Mapping[RequestKey, tuple[int, str]]:
        """Return archived commands with these request ids, with a fingerprint that none has."""
        by_account: dict[int, list[str]] = {}
        for account_id, request_id in _request_keys(submissions):
            by_account.setdefault(account_id, []).append(request_id)
        return {
            (account_id, request_id): (command_id, _ARCHIVED)
            for account_id, names in by_account.items()
            for request_id, command_id in (await self._archived.commands(account_id, names)).items()
        }

    async def _read_stored_keys(self, submissions: Sequence[Submission]) -> StoredKeys:
        names = _request_keys(submissions)
        scopes = [s.key.scope_hash for s in submissions if s.key is not None]
        signals = [s.signal for s in submissions if s.signal is not None]

        async def work(session: Session) -> StoredKeys:
            return StoredKeys(
                requests=await self._read_requests(session, names),
                keys=await self._read_idempotency_keys(session, scopes),
                signals=await signal_store.read_stored(session, signals),
            )

        return await self._database.read(work)

    async def _read_requests(
        self, session: Session, names: Sequence[RequestKey]
    ) -> dict[RequestKey, tuple[int, str]]:
        if not names:
            return {}
        param = self._database.dialect.param
        by_account: dict[int, list[str]] = {}
        for account_id, request_id in names:
            by_account.setdefault(account_id, []).append(request_id)
        commands_by_key: dict[RequestKey, tuple[int, str]] = {}
        for account_id, request_ids in by_account.items():
            text = (
                "SELECT request_id, id, fingerprint FROM oms_commands"
                f" WHERE account_id = {param}"
                f" AND request_id IN ({self._database.dialect.params(len(request_ids))})"
            )
            for row in await session.fetch(text, (account_id, *request_ids)):
                commands_by_key[account_id, row[0]] = (row[1], row[2])
        return commands_by_key

    async def _read_idempotency_keys(
        self, session: Session, scopes: Sequence[str]
    ) -> dict[str, IdempotencyKeyRow]:
        if not scopes:
            return {}
        dialect = self._database.dialect
        text = (
            "SELECT scope_hash, fingerprint, command_ids, http_status, response_json, expires_at"
            f" FROM idempotency_keys WHERE scope_hash IN ({dialect.params(len(scopes))})"
        )
        return {
            row[0]: IdempotencyKeyRow(
                scope_hash=row[0],
                fingerprint=row[1],
                command_ids=tuple(json.loads(row[2])) if row[2] else (),
                http_status=row[3],
                response=row[4],
                expires_at=dialect.decode_time(row[5]),
            )
            for row in await session.fetch(text, scopes)
        }


def _request_keys(submissions: Sequence[Submission]) -> Sequence[RequestKey]:
    return [
        (command.account_id, command.request_id)
        for submission in submissions
        for command in submission.commands
        if command.request_id is not None
    ]


def _is_pending(status: str | None) -> bool:
    return status in rows.PENDING_STATUSES


def _key_values(key: IdempotencyKeyRow, created_at: datetime, dialect: Dialect) -> tuple[Any, ...]:
    return (
        key.scope_hash,
        key.fingerprint,
        "stored" if key.response is not None else "commands",
        key.http_status,
        key.response,
        json.dumps(key.command_ids) if key.command_ids else None,
        dialect.encode_time(key.expires_at),
        dialect.encode_time(created_at),
    )
