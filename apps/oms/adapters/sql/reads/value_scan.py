"""Reads every row of every table and finds the values that the gateway never writes."""

import re
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Engine, Row, Table, text
from sqlalchemy.util import greenlet_spawn

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.errors import public_error
from oms.adapters.sql.reads.value_checks import check_of
from oms.adapters.sql.tables import METADATA
from oms.ports.verification_reads import InvalidValue

ROWS_PER_PAGE = 500
SHOWN_CHARACTERS_MAX = 40
#: Event payloads are decoded by the check of the events.
_CHECKED_ELSEWHERE = frozenset({("event_outbox", "payload_json")})
#: Tables and columns whose content is not shown.
_HIDDEN = re.compile(r"hash|_enc$|_json$|extra_config|key|token")
_UNDECODABLE = re.compile(r"decode to UTF-8 column '(\w+)'")


async def scan_values(database: Database) -> AsyncIterator[InvalidValue]:
    """Yield the invalid values of all tables. Raises ``Unavailable``."""
    for table in METADATA.sorted_tables:
        try:
            async for found in _scan_table(database, table):
                yield found
        except database.driver_errors as error:
            match = _UNDECODABLE.search(str(error))
            if match is None:
                raise public_error(error) from error
            # SQLite does not say which row it is.
            yield InvalidValue(table.name, "unknown", match[1], "UTF-8 text", "other bytes")


async def _scan_table(database: Database, table: Table) -> AsyncIterator[InvalidValue]:
    columns = [
        (column, None if column.nullable else "a value", check_of(column))
        for column in table.columns
        if (table.name, column.name) not in _CHECKED_ELSEWHERE
    ]
    key = [column.name for column in table.primary_key]
    # Plain SQL: the column types would decode the values, and fail at the first invalid one.
    quote = database.read_engine.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column, _, _ in columns)
    keys = ", ".join(quote(name) for name in key)
    async for row in _stream(
        database.read_engine, f"SELECT {keys}, {names} FROM {quote(table.name)}"
    ):
        values = row[len(key) :]
        for (column, required, check), value in zip(columns, values, strict=True):
            if value is None:
                expected = required
            else:
                expected = None if check.is_valid(value) else check.expected
            if expected is not None:
                row_id = _row_id(row[: len(key)])
                shown = _shown(column.name, value)
                yield InvalidValue(table.name, row_id, column.name, expected, shown)


async def _stream(engine: Engine, statement: str) -> AsyncIterator[Row[Any]]:
    """Yield the rows of a SELECT, of which one page is in memory."""
    connection = await greenlet_spawn(engine.connect)
    try:
        rows = await greenlet_spawn(
            connection.execute, text(statement), execution_options={"stream_results": True}
        )
        while page := await greenlet_spawn(rows.fetchmany, ROWS_PER_PAGE):
            for row in page:
                yield row
    finally:
        await greenlet_spawn(connection.close)


def _row_id(key: Any) -> int | str:
    if len(key) == 1 and isinstance(key[0], int):
        return key[0]
    return "/".join(str(part)[:SHOWN_CHARACTERS_MAX] for part in key)


def _shown(column: str, value: Any) -> str:
    """Return a value as text; only its type if the column may contain a secret."""
    if value is None:
        return "nothing"
    kind = type(value).__name__
    return kind if _HIDDEN.search(column) else f"{kind} {str(value)[:SHOWN_CHARACTERS_MAX]!r}"
