"""A connection in use, as the statements of this folder see it.

Two kinds. On MySQL each statement is a journey to the server. On SQLite there is no server, but
each call would hop to the connection's thread and back, which costs more than the statement: so
the whole work runs in that thread, at one hop. Work is written once, as a coroutine; in the thread
it never has to wait, and is driven to its end in one go.
"""

import sqlite3
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.pipeline import execute_pipelined
from oms.adapters.sql.connection.statement_batch import StaleRowError, Statement, StatementBatch

Answer = TypeVar("Answer")
#: A quarter of the packet that servers take by default: a character may need four bytes.
PACKET_CHARACTERS_MAX = 4 * 1024 * 1024


class Session(Protocol):
    """Statements of one use of a connection, in driver text with bound values."""

    dialect: Dialect

    async def execute(self, text: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; how many rows it met."""
        ...

    async def send(self, script: StatementBatch) -> None:
        """Run all statements of the script. Raises ``Missed``."""
        ...

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        """All rows of a SELECT, as the driver gives them."""
        ...

    async def rollback(self) -> None:
        """Roll back the open transaction, if there is one."""
        ...


class ServerSession:
    """A connection of aiomysql or asyncmy."""

    def __init__(
        self, connection: Any, cursor_kinds: Sequence[type], dialect: Dialect, prepare: bool
    ) -> None:
        self.dialect = dialect
        self._connection = connection
        self._cursor_kinds = cursor_kinds
        self._prepares = prepare

    async def execute(self, text: str, values: Sequence[Any] = ()) -> int:
        """See ``Session``."""
        async with self._connection.cursor(*self._cursor_kinds) as cursor:
            await self._said(cursor, text, values)
            return int(cursor.rowcount)

    async def send(self, script: StatementBatch) -> None:
        """See ``Session``."""
        statements = script.statements
        if not script.is_multi_row and await self.send_pipelined(script):
            return
        async with self._connection.cursor(*self._cursor_kinds) as cursor:
            if script.is_multi_row:
                for packet in _packets(cursor, statements):
                    await _sent_together(cursor, packet)
                return
            for statement in statements:
                await _answered(cursor.executemany(statement.text, statement.rows))
                if (missed := statement.missed(int(cursor.rowcount))) is not None:
                    raise missed

    async def send_pipelined(self, script: StatementBatch) -> bool:
        """Run all statements in one journey; ``False``: they cannot be, and nothing was sent."""
        went: bool = await _answered(execute_pipelined(self._connection, script.statements))
        return went

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        """See ``Session``."""
        async with self._connection.cursor(*self._cursor_kinds) as cursor:
            await self._said(cursor, text, values)
            found: Sequence[Any] = await cursor.fetchall()
            return found

    async def rollback(self) -> None:
        """See ``Session``."""
        await self._connection.rollback()

    async def _said(self, cursor: Any, text: str, values: Sequence[Any]) -> None:
        """Run one statement; a text that may never come again is not worth preparing."""
        if self._prepares:
            await _answered(cursor.execute(text, tuple(values)))
        else:
            await _answered(cursor.execute(cursor.mogrify(text, tuple(values))))


class SqliteSession:
    """A connection of SQLite, in its own thread."""

    def __init__(self, connection: sqlite3.Connection, dialect: Dialect) -> None:
        self.dialect = dialect
        self._connection = connection

    async def execute(self, text: str, values: Sequence[Any] = ()) -> int:
        """See ``Session``."""
        return self._connection.execute(text, tuple(values)).rowcount

    async def send(self, script: StatementBatch) -> None:
        """See ``Session``."""
        for statement in script.statements:
            met = self._connection.executemany(statement.text, statement.rows).rowcount
            if (missed := statement.missed(met)) is not None:
                raise missed

    async def fetch(self, text: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        """See ``Session``."""
        return self._connection.execute(text, tuple(values)).fetchall()

    async def rollback(self) -> None:
        """See ``Session``; after some failures SQLite has rolled back by itself."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def run_to_completion(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What ``work`` returns; it waits for nothing but a ``LocalSession``, which never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        return answer
    work.close()
    raise AssertionError("work on SQLite may wait for nothing but its session")


RenderedStatement = tuple[Statement, str]


def _packets(cursor: Any, statements: Sequence[Statement]) -> Iterator[Sequence[RenderedStatement]]:
    """Statements with their whole text, as many together as a server takes in one packet."""
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


async def _sent_together(cursor: Any, packet: Sequence[RenderedStatement]) -> None:
    """Send one packet and hear all answers. Raises ``Missed`` before what came of missing."""
    await _answered(cursor.execute(";".join(text for _, text in packet)))
    missed: StaleRowError | None = None
    try:
        for index, (statement, _) in enumerate(packet):
            more = index == 0 or await _answered(cursor.nextset())
            assert more, "each statement has its answer"
            missed = missed or statement.missed(int(cursor.rowcount))
    finally:
        if missed is not None:
            raise missed


async def _answered(call: Coroutine[Any, Any, Any]) -> Any:
    """Await a driver's call; some of what they raise on a dead connection is no error of theirs."""
    try:
        return await call
    except (AttributeError, RuntimeError) as broken:
        raise ConnectionResetError("the connection is closed") from broken
