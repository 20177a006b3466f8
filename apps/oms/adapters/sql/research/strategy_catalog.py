"""Rows of ``strategy_catalog``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.strategies.description import LoadedCatalog, LoadError
from oms.wire.json import dumps_fast, loads_fast
from oms.wire.strategies.messages import decode_description, encode_description

_COLUMNS = ("id", "source", "description_json", "error", "loaded_at")
_INSERT = BulkInsert(table="strategy_catalog", columns=_COLUMNS)
ERROR_CHARACTERS_MAX = 1000
_SOURCE_CHARACTERS_MAX = 255


class SqlStrategyCatalog:
    """``ports.research.strategy_versions.StoredCatalog``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def replace(self, catalog: LoadedCatalog, now: datetime) -> None:
        """Store the strategies of users and the errors in place of what was stored."""
        at = self._dialect.encode_time(now)
        found: list[tuple[Any, ...]] = [
            (each.source[:_SOURCE_CHARACTERS_MAX], dumps_fast(encode_description(each)), None)
            for each in catalog.strategies
            if not each.is_built_in
        ]
        found += [
            (
                each.source[:_SOURCE_CHARACTERS_MAX],
                None,
                each.message[:ERROR_CHARACTERS_MAX],
            )
            for each in catalog.errors
        ]
        # The row 0 says when a catalogue without strategies of users was loaded.
        rows = [(0, "", None, None, at)]
        rows += [(number, *each, at) for number, each in enumerate(found, start=1)]

        async def work(session: Session) -> None:
            await session.execute("DELETE FROM strategy_catalog", ())
            await _INSERT(session, rows)

        await self._database.commit(work)

    async def read(self) -> tuple[LoadedCatalog, datetime | None]:
        """Return the strategies of users and what could not be loaded, and when that was."""
        rows = await self._database.fetch(
            f"SELECT {', '.join(_COLUMNS)} FROM strategy_catalog ORDER BY id"
        )
        loaded_at = self._dialect.decode_time(rows[0][4]) if rows else None
        return _catalog_of(rows), loaded_at


def _catalog_of(rows: Sequence[Sequence[Any]]) -> LoadedCatalog:
    return LoadedCatalog(
        strategies=[decode_description(loads_fast(row[2])) for row in rows if row[2] is not None],
        errors=[LoadError(source=row[1], message=row[3]) for row in rows if row[3] is not None],
    )
