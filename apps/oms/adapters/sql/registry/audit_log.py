"""The audit log and its hash chain: ``ports.audit_log.AuditLog``.

A command is audited by its own row, so a page merges the log and the commands: by time, each of the
two in the order of its ids, in which its times hardly ever go back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.chain_head import (
    ChainMovedError,
    advance_head,
    append_links,
    read_head,
)
from oms.adapters.sql.rows.commands import TRADING_CALL_SQL
from oms.domain.audit_chain import AuditRow, ChainLink
from oms.domain.commands.account_commands import ACCOUNT_COMMAND_TYPES, READ_PAYLOADS
from oms.ports.audit_log import (
    AUDIT_CHAIN_ID,
    AuditPage,
    AuditPosition,
    AuditQuery,
    ChainedRow,
    ChainHead,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "id, account_id, actor, actor_user_id, actor_api_key_id, actor_role, actor_ip, action, entity,"
    " entity_id, before_json, after_json, comment, request_id, created_at"
)


@dataclass(frozen=True, slots=True)
class _Source:
    """A table of a page."""

    columns: str
    table: str
    action: str
    extra: str = "1 = 1"


_LOG = _Source(f"{_COLUMNS}, 0 AS is_command", "audit_log t", "t.action")
_READS = ("ccxt_call", *(ACCOUNT_COMMAND_TYPES[one] for one in READ_PAYLOADS))
#: Without commands and ccxt calls that only read: an open page sends them all the time.
_COMMANDS = _Source(
    "t.id, t.account_id, COALESCE(u.name, '') AS actor, t.actor_user_id, t.actor_api_key_id,"
    " t.actor_role, t.actor_ip, t.command_type AS action, 'command' AS entity,"
    " t.id AS entity_id, NULL AS before_json, t.payload_json AS after_json, t.comment,"
    " t.request_id, t.created_at, 1 AS is_command",
    "oms_commands t LEFT JOIN users u ON u.id = t.actor_user_id",
    "t.command_type",
    f"(t.command_type NOT IN ({', '.join(map(repr, _READS))}) OR {TRADING_CALL_SQL.format('t.')})",
)


class SqlAuditLog:
    """Reads the log and appends to its hash chain."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def page(self, window: AuditQuery) -> AuditPage:
        """Return a page of audit rows and commands."""
        sources = [s for s in (_LOG, _COMMANDS) if _matches_entity(s, window)]
        rows = await self._rows(window, sources) if sources else ()
        total = None
        if window.with_total:
            total = 0
            for source in sources:
                where, values = _where(source, window, self._dialect)
                text = f"SELECT COUNT(*) FROM {source.table} WHERE {where}"
                total += int((await self._database.fetch(text, values))[0][0])
        page_rows = rows[: window.page_size]
        has_more = len(rows) > window.page_size
        return AuditPage(
            items=[_row(row, self._dialect) for row in page_rows],
            total=total,
            next=_end_of(page_rows, window) if has_more else None,
        )

    async def _rows(self, window: AuditQuery, sources: Sequence[_Source]) -> Sequence[Any]:
        """Return the rows of the page and one more if there is one."""
        param, order = self._dialect.param, "DESC" if window.descending else "ASC"
        offset = (window.page - 1) * window.page_size if window.after is None else 0
        count = window.page_size + 1
        # Of times that go back the latest so far counts: each table stays in the order of its ids.
        latest = "MIN" if window.descending else "MAX"
        parts, values = list[str](), list[Any]()
        for source in sources:
            where, bound = _where(source, window, self._dialect)
            after_id = _after_id(source, window)
            if after_id is not None:
                where += f" AND t.id {'<' if window.descending else '>'} {param}"
                bound = [*bound, after_id]
            parts.append(
                f"SELECT s{len(parts)}.*, {latest}(created_at) OVER (ORDER BY id {order}) AS place"
                f" FROM (SELECT {source.columns} FROM {source.table} WHERE {where}"
                f" ORDER BY t.id {order} LIMIT {param}) s{len(parts)}"
            )
            values += [*bound, offset + count]
        text = (
            f"SELECT * FROM ({' UNION ALL '.join(parts)}) merged"
            f" ORDER BY place {order}, is_command {order}, id {order}"
            f" LIMIT {param} OFFSET {param}"
        )
        return await self._database.fetch(text, (*values, count, offset))

    async def head(self) -> ChainHead | None:
        """Return length and last hash of the chain."""
        return await read_head(self._database, AUDIT_CHAIN_ID)

    async def unchained_rows(self, limit: int) -> Sequence[AuditRow]:
        """Return rows that are not chained yet, ascending."""
        table = self._dialect.with_index("audit_log", "ux_audit_log_chain_no")
        text = (
            f"SELECT {_COLUMNS} FROM {table} WHERE chain_no IS NULL"
            f" ORDER BY id LIMIT {self._dialect.param}"
        )
        return [_row(row, self._dialect) for row in await self._database.fetch(text, (limit,))]

    async def append_to_chain(self, before: ChainHead, rows: Sequence[ChainedRow]) -> bool:
        """Append ``rows``; ``False`` if the head is no longer ``before``."""
        if not rows:
            return True

        last = rows[-1].link

        async def work(session: Session) -> None:
            param = session.dialect.param
            after = ChainHead(length=last.number, hash=last.hash)
            await advance_head(session, AUDIT_CHAIN_ID, before, after)
            for each in rows:
                updated = await session.execute(
                    f"UPDATE audit_log SET chain_no = {param}, prev_hash = {param}, hash = {param}"
                    f" WHERE id = {param} AND chain_no IS NULL",
                    (each.link.number, each.link.prev_hash, each.link.hash, each.row.id),
                )
                if updated != 1:
                    raise ChainMovedError

        return await append_links(self._database, work)

    async def chained_rows(self, after: int, limit: int) -> Sequence[ChainedRow]:
        """Return chained rows from number ``after`` + 1 on."""
        param = self._dialect.param
        text = (
            f"SELECT {_COLUMNS}, chain_no, prev_hash, hash FROM audit_log"
            f" WHERE chain_no > {param} ORDER BY chain_no LIMIT {param}"
        )
        return [
            ChainedRow(
                row=_row(row, self._dialect),
                link=ChainLink(number=row[15], prev_hash=row[16] or "", hash=row[17] or ""),
            )
            for row in await self._database.fetch(text, (after, limit))
        ]

    async def skipped_rows(self, margin: timedelta) -> Sequence[int]:
        """Return ids of unchained rows that are older than a chained row by ``margin``."""
        by_time = self._dialect.with_index("audit_log", "ix_audit_log_created_at")
        # The rows without a number are the newest: hardly more of the index is read than them.
        newest = await self._database.fetch(
            f"SELECT created_at FROM {by_time} WHERE chain_no IS NOT NULL"
            " ORDER BY created_at DESC LIMIT 1"
        )
        if not newest:
            return ()
        before = _decode_time(newest[0][0], self._dialect) - margin
        table = self._dialect.with_index("audit_log", "ux_audit_log_chain_no")
        text = (
            f"SELECT id FROM {table} WHERE chain_no IS NULL"
            f" AND created_at < {self._dialect.param} ORDER BY id"
        )
        rows = await self._database.fetch(text, (self._dialect.encode_time(before),))
        return [row[0] for row in rows]


def _matches_entity(source: _Source, window: AuditQuery) -> bool:
    return window.entity is None or (source is _COMMANDS) is (window.entity == "command")


def _after_id(source: _Source, window: AuditQuery) -> int | None:
    after = window.after or AuditPosition()
    return after.command_id if source is _COMMANDS else after.log_id


def _end_of(rows: Sequence[Any], window: AuditQuery) -> AuditPosition:
    """Return where a page with these rows ends."""
    before = window.after or AuditPosition()
    last = {bool(row[15]): int(row[0]) for row in rows}
    return AuditPosition(
        log_id=last.get(False, before.log_id), command_id=last.get(True, before.command_id)
    )


def _where(source: _Source, window: AuditQuery, dialect: Dialect) -> tuple[str, Sequence[Any]]:
    parts, values = [source.extra], list[Any]()
    if window.account_ids is not None:
        parts.append(f"t.account_id IN ({dialect.params(len(window.account_ids))})")
        values += window.account_ids
    filters = {"t.actor_user_id": window.actor_user_id, source.action: window.action}
    if source is _LOG:
        filters["t.entity"] = window.entity
    for column, value in filters.items():
        if value is not None:
            parts.append(f"{column} = {dialect.param}")
            values.append(value)
    for sign, moment in ((">=", window.since), ("<", window.until)):
        if moment is not None:
            parts.append(f"t.created_at {sign} {dialect.param}")
            values.append(dialect.encode_time(moment))
    return " AND ".join(parts), values


def _row(row: Any, dialect: Dialect) -> AuditRow:
    return AuditRow(
        id=row[0],
        account_id=row[1],
        actor=row[2],
        actor_user_id=row[3],
        actor_api_key_id=row[4],
        actor_role=row[5],
        actor_ip=row[6],
        action=row[7],
        entity=row[8],
        entity_id=str(row[9]),
        before=row[10],
        after=row[11],
        comment=row[12],
        request_id=row[13],
        created_at=_decode_time(row[14], dialect),
    )


def _decode_time(stored: Any, dialect: Dialect) -> datetime:
    """Return a stored time; text that is none becomes the epoch, which fits no hash."""
    try:
        return dialect.decode_time(stored)
    except (ValueError, TypeError, AttributeError):
        return EPOCH
