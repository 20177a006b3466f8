"""The audit log and its chain: ``ports.audit_log.AuditLog``.

A command is audited by its own row: a page shows the log and the commands together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.errors import (
    CommitOutcomeUnknown,
    DuplicateKey,
    outcome_unknown_error,
)
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows.commands import TRADING_CALL_SQL
from oms.domain.audit_chain import AuditRow, ChainLink
from oms.ports.audit_log import AuditPage, AuditQuery, ChainedRow, ChainHead

_COLUMNS = (
    "id, account_id, actor, actor_user_id, actor_api_key_id, actor_role, actor_ip, action, entity,"
    " entity_id, before_json, after_json, comment, request_id, created_at"
)


@dataclass(frozen=True, slots=True)
class _Source:
    """A table that a page shows rows of; ``place`` orders the rows of both."""

    columns: str
    table: str
    place: str
    action: str
    extra: str = "1 = 1"


_LOG = _Source(f"{_COLUMNS}, t.id * 2 AS place", "audit_log t", "t.id", "t.action")
#: Reads of the exchange change nothing; calls that trade say so first.
_COMMANDS = _Source(
    "t.id, t.account_id, COALESCE(u.name, '') AS actor, t.actor_user_id, t.actor_api_key_id,"
    " t.actor_role, t.actor_ip, t.command_type AS action, 'command' AS entity,"
    " t.id AS entity_id, NULL AS before_json, t.payload_json AS after_json, t.comment,"
    " t.request_id, t.created_at, t.id * 2 + 1 AS place",
    "oms_commands t LEFT JOIN users u ON u.id = t.actor_user_id",
    "t.id",
    "t.command_type",
    f"(t.command_type NOT IN ('ccxt_call', 'connection') OR {TRADING_CALL_SQL.format('t.')})",
)


class SqlAuditLog:
    """Reads the log; sets the hashes of its chain, once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def page(self, window: AuditQuery) -> AuditPage:
        """Rows and commands of the window."""
        sources = [s for s in (_LOG, _COMMANDS) if _shows(s, window)]
        rows = await self._rows(window, sources) if sources else ()
        total = None
        if window.with_total:
            total = 0
            for source in sources:
                where, values = _where(source, window, self._dialect)
                text = f"SELECT COUNT(*) FROM {source.table} WHERE {where}"
                total += int((await self._database.rows(text, values))[0][0])
        shown = rows[: window.page_size]
        has_more = len(rows) > window.page_size
        return AuditPage(
            items=[_row(row, self._dialect) for row in shown],
            total=total,
            next_after_id=int(shown[-1][15]) if has_more else None,
        )

    async def _rows(self, window: AuditQuery, sources: Sequence[_Source]) -> Sequence[Any]:
        """One row more than the page holds, if there is one."""
        param, order = self._dialect.param, "DESC" if window.descending else "ASC"
        offset = 0 if window.after_id is not None else (window.page - 1) * window.page_size
        count = window.page_size + 1
        parts, values = list[str](), list[Any]()
        for source in sources:
            where, bound = _where(source, window, self._dialect)
            if window.after_id:
                place = "t.id * 2" + (" + 1" if source is _COMMANDS else "")
                where += f" AND {place} {'<' if window.descending else '>'} {param}"
                bound = [*bound, window.after_id]
            parts.append(
                f"SELECT * FROM (SELECT {source.columns} FROM {source.table} WHERE {where}"
                f" ORDER BY {source.place} {order} LIMIT {param}) s{len(parts)}"
            )
            values += [*bound, offset + count]
        text = f"{' UNION ALL '.join(parts)} ORDER BY place {order} LIMIT {param} OFFSET {param}"
        return await self._database.rows(text, (*values, count, offset))

    async def head(self) -> ChainHead:
        """The end of the chain."""
        found = await self._database.rows("SELECT length, hash FROM audit_chain WHERE id = 1")
        return ChainHead(length=found[0][0], hash=found[0][1])

    async def unchained(self, limit: int) -> Sequence[AuditRow]:
        """Rows that are in no chain yet."""
        table = self._dialect.with_index("audit_log", "ux_audit_log_chain_no")
        text = (
            f"SELECT {_COLUMNS} FROM {table} WHERE chain_no IS NULL"
            f" ORDER BY id LIMIT {self._dialect.param}"
        )
        return [_row(row, self._dialect) for row in await self._database.rows(text, (limit,))]

    async def chain(self, before: ChainHead, rows: Sequence[ChainedRow]) -> bool:
        """Put ``rows`` at the end; ``False`` if the end was not ``before`` any more."""
        if not rows:
            return True

        async def work(session: Session) -> bool:
            param, last = session.dialect.param, rows[-1].link
            moved = await session.execute(
                f"UPDATE audit_chain SET length = {param}, hash = {param}"
                f" WHERE id = 1 AND length = {param} AND hash = {param}",
                (last.number, last.hash, before.length, before.hash),
            )
            if moved != 1:
                return False
            for each in rows:
                await session.execute(
                    f"UPDATE audit_log SET chain_no = {param}, prev_hash = {param}, hash = {param}"
                    f" WHERE id = {param} AND chain_no IS NULL",
                    (each.link.number, each.link.prev_hash, each.link.hash, each.row.id),
                )
            return True

        try:
            return await self._database.write(work)
        except DuplicateKey:
            return False
        except CommitOutcomeUnknown as doubt:
            raise outcome_unknown_error() from doubt

    async def chained(self, after: int, limit: int) -> Sequence[ChainedRow]:
        """Rows of the chain from number ``after`` + 1 on."""
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
            for row in await self._database.rows(text, (after, limit))
        ]


def _shows(source: _Source, window: AuditQuery) -> bool:
    return window.entity is None or (source is _COMMANDS) is (window.entity == "command")


def _where(source: _Source, window: AuditQuery, dialect: Dialect) -> tuple[str, Sequence[Any]]:
    parts, values = [source.extra], list[Any]()
    if window.account_ids is not None:
        parts.append(f"t.account_id IN ({dialect.params(len(window.account_ids))})")
        values += window.account_ids
    named = {"t.actor_user_id": window.actor_user_id, source.action: window.action}
    if source is _LOG:
        named["t.entity"] = window.entity
    for column, value in named.items():
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
        created_at=dialect.decode_time(row[14]),
    )
