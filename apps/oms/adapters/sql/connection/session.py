"""Sessions: one use of a connection to execute statements.

On MySQL each statement is a round trip to the server. On SQLite each call would switch to the
connection's thread and back, which costs more than the statement, so the whole unit of work runs in
that thread. Work is written once as a coroutine; in the thread it never waits and runs to
completion in one step.
"""

import sqlite3
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.pipeline import execute_pipelined
from oms.adapters.sql.connection.statement_batch import StaleRowError, Statement, StatementBatch

Result = TypeVar("Result")
#: A quarter of the default maximum packet size: a character may need four bytes.
PACKET_CHARACTERS_MAX = 4 * 1024 * 1024


class Session(Protocol):
    """Executes statements in the driver's SQL text with bound values."""

    dialect: Dialect

    async def execute(self, text: str, values: Sequence[Any] = ()) -> int:
        """Run one statement and return the number of affected rows."""
        ...

    async def send(self, batch: StatementBatch) -> None:
        """Run all statements of the batch. Raises ``StaleRowError``."""
        ...

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        """Return all rows of a SELECT as the driver returns them."""
        ...

    async def rollback(self) -> None:
        """Roll back the open transaction, if there is one."""
        ...


class ServerSession:
    """Session on a connection of aiomysql or asyncmy."""

    def __init__(
        self, connection: Any, cursor_kinds: Sequence[type], dialect: Dialect, prepare: bool
    ) -> None:
        self.dialect = dialect
        self._connection = connection
        self._cursor_kinds = cursor_kinds
        self._prepare = prepare

    async def execute(self, text: str, values: Sequence[Any] = ()) -> int:
        """See ``Session``."""
        async with self._connection.cursor(*self._cursor_kinds) as cursor:
            await self._run(cursor, text, values)
            return int(cursor.rowcount)

    async def send(self, batch: StatementBatch) -> None:
        """See ``Session``."""
        statements = batch.statements
        if not batch.is_multi_row and await self.send_pipelined(batch):
            return
        async with self._connection.cursor(*self._cursor_kinds) as cursor:
            if batch.is_multi_row:
                for packet in _packets(cursor, statements):
                    await _send_packet(cursor, packet)
                return
            for statement in statements:
                await _await_driver(cursor.executemany(statement.text, statement.rows))
                stale = statement.check_affected(int(cursor.rowcount))
                if stale is not None:
                    raise stale

    async def send_pipelined(self, batch: StatementBatch) -> bool:
        """Run all statements in one round trip; ``False`` if that is impossible (nothing sent)."""
        was_sent: bool = await _await_driver(execute_pipelined(self._connection, batch.statements))
        return was_sent

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        """See ``Session``."""
        async with self._connection.cursor(*self._cursor_kinds) as cursor:
            await self._run(cursor, text, values)
            rows: Sequence[Any] = await cursor.fetchall()
            return rows

    async def rollback(self) -> None:
        """See ``Session``."""
        await self._connection.rollback()

    async def _run(self, cursor: Any, text: str, values: Sequence[Any]) -> None:
        """Run one statement, prepared only if its text is expected to repeat."""
        if self._prepare:
            await _await_driver(cursor.execute(text, tuple(values)))
        else:
            await _await_driver(cursor.execute(cursor.mogrify(text, tuple(values))))


class SqliteSession:
    """Session on a SQLite connection, used in the connection's thread."""

    def __init__(self, connection: sqlite3.Connection, dialect: Dialect) -> None:
        self.dialect = dialect
        self._connection = connection

    async def execute(self, text: str, values: Sequence[Any] = ()) -> int:
        """See ``Session``."""
        return self._connection.execute(text, tuple(values)).rowcount

    async def send(self, batch: StatementBatch) -> None:
        """See ``Session``."""
        for statement in batch.statements:
            affected = self._connection.executemany(statement.text, statement.rows).rowcount
            if (stale := statement.check_affected(affected)) is not None:
                raise stale

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        """See ``Session``."""
        return self._connection.execute(text, tuple(values)).fetchall()

    async def rollback(self) -> None:
        """See ``Session``; after some errors SQLite has already rolled back."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def run_to_completion(work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of ``work``, which awaits only a ``SqliteSession`` and so never blocks."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    work.close()
    raise AssertionError("work on SQLite may await only its session")


RenderedStatement = tuple[Statement, str]


def _packets(cursor: Any, statements: Sequence[Statement]) -> Iterator[Sequence[RenderedStatement]]:
    """Yield groups of rendered statements that fit into one packet."""
    packet: list[RenderedStatement] = []
    size = 0
    for statement in statements:
        for row in statement.rows:
            text = cursor.mogrify(statement.text, row)
            if packet and size + len(text) > PACKET_CHARACTERS_MAX:
                yield packet
                packet, size = [], 0
            packet.append((statement, text))
            size += len(text)
    if packet:
        yield packet


async def _send_packet(cursor: Any, packet: Sequence[RenderedStatement]) -> None:
    """Send one packet and read all responses. ``StaleRowError`` wins over later errors."""
    await _await_driver(cursor.execute(";".join(text for _, text in packet)))
    stale: StaleRowError | None = None
    try:
        for index, (statement, _) in enumerate(packet):
            more = index == 0 or await _await_driver(cursor.nextset())
            assert more, "each statement has a response"
            stale = stale or statement.check_affected(int(cursor.rowcount))
    finally:
        if stale is not None:
            raise stale


async def _await_driver(call: Coroutine[Any, Any, Any]) -> Any:
    """Await a driver call and translate the untyped errors of a closed connection."""
    try:
        return await call
    except (AttributeError, RuntimeError) as error:
        raise ConnectionResetError("the connection is closed") from error
