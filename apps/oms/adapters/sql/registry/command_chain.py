"""The hash chain of the commands: ``ports.command_chain.CommandChain``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.registry.chain_head import advance_head, append_links, read_head
from oms.adapters.sql.rows.commands import TRADING_CALL_SQL
from oms.domain.command_chain import (
    FINAL_STATUSES,
    UNRESOLVED_STATUSES,
    CommandLink,
    CommandRecord,
)
from oms.domain.commands.command import COMMAND_TYPES
from oms.domain.value import constructor
from oms.ports.audit_log import COMMAND_CHAIN_ID, ChainHead
from oms.ports.command_chain import LinkedCommand, StoredCommands

CHAINED_COLUMNS = (
    *("id", "account_id", "command_type", "request_id", "idempotency_key", "fingerprint"),
    *("payload_json", "actor_user_id", "actor_api_key_id", "actor_role", "actor_ip", "comment"),
    *("after_command_id", "hold_until", "created_at", "status", "error_json", "result_json"),
    *("order_id", "finished_at"),
)
_SELECTED = ", ".join(f"c.{name}" for name in CHAINED_COLUMNS)
#: Calls that only read an exchange are deleted after an hour and are not linked.
_AUDITED = f"(c.command_type NOT IN ('ccxt_call', 'connection') OR {TRADING_CALL_SQL.format('c.')})"
_new_record = constructor(CommandRecord)
_LINK = BulkInsert(
    table="command_chain",
    columns=("chain_no", "command_id", "status", "digest", "hash", "is_open"),
    key=("chain_no",),
)


class SqlCommandChain:
    """Reads the commands to be linked and appends their links."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def head(self) -> ChainHead | None:
        """Return length and last hash of the chain."""
        return await read_head(self._database, COMMAND_CHAIN_ID)

    async def last_command_id(self) -> int:
        """Return the highest linked command id."""
        ((last,),) = await self._database.fetch("SELECT MAX(command_id) FROM command_chain")
        return int(last or 0)

    async def last_linked_at(self) -> datetime | None:
        """Return the creation time of the command of the last link."""
        rows = await self._database.fetch(
            "SELECT c.created_at FROM command_chain l JOIN oms_commands c ON c.id = l.command_id"
            " ORDER BY l.chain_no DESC LIMIT 1"
        )
        return self._dialect.decode_time(rows[0][0]) if rows else None

    async def commands_after(self, command_id: int, limit: int) -> StoredCommands | None:
        """Return the next commands by id; those that are not linked are left out."""
        param = self._dialect.param
        text = (
            f"SELECT {_SELECTED}, CASE WHEN {_AUDITED} THEN 1 ELSE 0 END"
            f" FROM oms_commands c WHERE c.id > {param} ORDER BY c.id LIMIT {param}"
        )
        rows = await self._database.fetch(text, (command_id, limit))
        if not rows:
            return None
        records = [_record(row, self._dialect) for row in rows if row[len(CHAINED_COLUMNS)]]
        return StoredCommands(records, rows[-1][0])

    async def late_commands(
        self, since: datetime, up_to_id: int, limit: int
    ) -> Sequence[CommandRecord]:
        """Return unlinked commands that were stored after others with a higher id."""
        dialect = self._dialect
        kinds = ", ".join(f"'{name}'" for name in COMMAND_TYPES.values())
        text = (
            f"SELECT {_SELECTED}"
            f" FROM {dialect.with_index('oms_commands', 'ix_oms_commands_type', 'c')}"
            f" WHERE c.command_type IN ({kinds}) AND c.created_at >= {dialect.param}"
            f" AND c.id <= {dialect.param} AND {_AUDITED} AND NOT EXISTS"
            " (SELECT 1 FROM command_chain l WHERE l.command_id = c.id)"
            f" ORDER BY c.id LIMIT {dialect.param}"
        )
        values = (dialect.encode_time(since), up_to_id, limit)
        return [_record(row, dialect) for row in await self._database.fetch(text, values)]

    async def ended_commands(self, limit: int) -> Sequence[CommandRecord]:
        """Return commands that ended, or were resolved, since their last link."""
        dialect = self._dialect
        final = ", ".join(f"'{status}'" for status in sorted(FINAL_STATUSES))
        text = (
            f"SELECT {_SELECTED}"
            f" FROM {dialect.with_index('command_chain', 'ix_command_chain_open', 'l')}"
            " JOIN oms_commands c ON c.id = l.command_id"
            f" WHERE l.is_open = 1 AND c.status IN ({final}) AND c.status <> l.status"
            f" ORDER BY l.chain_no LIMIT {dialect.param}"
        )
        return [_record(row, dialect) for row in await self._database.fetch(text, (limit,))]

    async def append(self, before: ChainHead, links: Sequence[CommandLink]) -> bool:
        """Append ``links``; ``False`` if the head is no longer ``before``."""
        if not links:
            return True
        rows = [
            (
                *(link.number, link.command_id, link.status, link.digest, link.hash),
                int(link.status in UNRESOLVED_STATUSES),
            )
            for link in links
        ]
        after = ChainHead(length=links[-1].number, hash=links[-1].hash)

        async def work(session: Session) -> None:
            await advance_head(session, COMMAND_CHAIN_ID, before, after)
            params, ids = session.dialect.in_list([link.command_id for link in links])
            await session.execute(
                f"UPDATE command_chain SET is_open = 0 WHERE command_id IN ({params})", ids
            )
            await _LINK(session, rows)

        return await append_links(self._database, work)

    async def links(self, after: int, limit: int) -> Sequence[LinkedCommand]:
        """Return links from number ``after`` + 1 on, with their commands."""
        param, count = self._dialect.param, len(CHAINED_COLUMNS)
        text = (
            f"SELECT {_SELECTED}, l.chain_no, l.command_id, l.status, l.digest, l.hash, a.row_id"
            " FROM command_chain l LEFT JOIN oms_commands c ON c.id = l.command_id"
            " LEFT JOIN archived_rows a ON a.kind = 'command' AND a.row_id = l.command_id"
            f" WHERE l.chain_no > {param} ORDER BY l.chain_no LIMIT {param}"
        )
        return [
            LinkedCommand(
                CommandLink(
                    number=row[count],
                    command_id=row[count + 1],
                    status=row[count + 2],
                    digest=row[count + 3],
                    hash=row[count + 4],
                ),
                None if row[0] is None else _record(row, self._dialect),
                row[count + 5] is not None,
            )
            for row in await self._database.fetch(text, (after, limit))
        ]

    async def linked_statuses(self, command_ids: Sequence[int]) -> Mapping[int, str]:
        """Return the status of the last link by command id."""
        if not command_ids:
            return {}
        params, values = self._dialect.in_list(command_ids)
        text = (
            "SELECT command_id, status FROM command_chain"
            f" WHERE command_id IN ({params}) ORDER BY chain_no"
        )
        return {row[0]: row[1] for row in await self._database.fetch(text, values)}


def _record(row: Any, dialect: Dialect) -> CommandRecord:
    return command_record(row, lambda stored: _time_text(stored, dialect))


def command_record(row: Sequence[Any], time_text: Callable[[Any], str | None]) -> CommandRecord:
    """Return what a link covers, of the values of ``CHAINED_COLUMNS``."""
    return _new_record(
        id=row[0],
        account_id=row[1],
        command_type=row[2],
        request_id=row[3],
        idempotency_key=row[4],
        fingerprint=row[5],
        payload=row[6],
        actor_user_id=row[7],
        actor_api_key_id=row[8],
        actor_role=row[9],
        actor_ip=row[10],
        comment=row[11],
        after_command_id=row[12],
        hold_until=time_text(row[13]),
        created_at=time_text(row[14]) or "",
        status=row[15],
        error=row[16],
        result=row[17],
        order_id=row[18],
        finished_at=time_text(row[19]),
    )


def _time_text(stored: Any, dialect: Dialect) -> str | None:
    """Return a time as text that is equal in every database; one that is none as it is stored."""
    if stored is None:
        return None
    try:
        moment = dialect.decode_time(stored)
    except (ValueError, TypeError, AttributeError):
        return repr(stored)
    return chained_time(moment)


@lru_cache(maxsize=4096)  # Commands of a batch have the same times.
def chained_time(moment: datetime) -> str:
    """Return a time in UTC as the chain has it."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")
