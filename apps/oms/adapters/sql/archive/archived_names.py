"""Looks names of archived rows up: nothing is executed or booked a second time.

Most installations archive nothing: whether there is an archive at all is asked again only after
``RECHECK_SECONDS``. A first archive waits longer than that before it deletes rows.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from oms.adapters.sql.archive.archived_index import name_hash
from oms.adapters.sql.connection.database import Database

RECHECK_SECONDS = 10.0
NAMES_PER_QUERY_MAX = 500

Names = Mapping[tuple[str, ...], str]
"""Names by the parts that are hashed."""


class ArchivedNames:
    """Names and ids of archived rows of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._has_archives = False
        self._asked_at: float | None = None

    async def is_empty(self) -> bool:
        """Return whether nothing is archived. Raises ``Unavailable``."""
        now = self._clock()
        is_recent = self._asked_at is not None and now < self._asked_at + RECHECK_SECONDS
        if not self._has_archives and not is_recent:
            rows = await self._database.fetch("SELECT id FROM archives LIMIT 1")
            self._has_archives, self._asked_at = bool(rows), now
        return not self._has_archives

    async def commands(self, account_id: int, request_ids: Collection[str]) -> Mapping[str, int]:
        """Return archived commands by their request id. Raises ``Unavailable``."""
        return await self._named(account_id, "command", {(name,): name for name in request_ids})

    async def orders(
        self, account_id: int, symbol: str, exchange_order_ids: Collection[str]
    ) -> Mapping[str, int]:
        """Return archived orders by the exchange's id. Raises ``Unavailable``."""
        names: Names = {(symbol, name): name for name in exchange_order_ids}
        return await self._named(account_id, "order", names)

    async def deals(
        self, account_id: int, symbol: str, trade_ids: Collection[str]
    ) -> Mapping[str, int]:
        """Return archived deals by the exchange's trade id. Raises ``Unavailable``."""
        names: Names = {(symbol, name): name for name in trade_ids}
        return await self._named(account_id, "deal", names)

    async def ids(self, kind: str, row_ids: Collection[int]) -> frozenset[int]:
        """Return those of the rows that are archived. Raises ``Unavailable``."""
        if not row_ids or await self.is_empty():
            return frozenset()
        dialect = self._database.dialect
        params, values = dialect.in_list(sorted(row_ids))
        first: tuple[str, ...] = ()
        if kind == "position":
            text = "SELECT id FROM archived_positions WHERE id"
        else:
            text = f"SELECT row_id FROM archived_rows WHERE kind = {dialect.param} AND row_id"
            first = (kind,)
        rows = await self._database.fetch(f"{text} IN ({params})", (*first, *values))
        return frozenset(row[0] for row in rows)

    async def _named(self, account_id: int, kind: str, names: Names) -> Mapping[str, int]:
        if not names or await self.is_empty():
            return {}
        dialect, found = self._database.dialect, dict[str, int]()
        by_hash = {name_hash(*parts): name for parts, name in names.items()}
        hashes: Sequence[str] = sorted(by_hash)
        for start in range(0, len(hashes), NAMES_PER_QUERY_MAX):
            part = hashes[start : start + NAMES_PER_QUERY_MAX]
            text = (
                "SELECT name_hash, row_id FROM archived_rows"
                f" WHERE account_id = {dialect.param} AND kind = {dialect.param}"
                f" AND name_hash IN ({dialect.params(len(part))})"
            )
            for row in await self._database.fetch(text, (account_id, kind, *part)):
                found[by_hash[row[0]]] = row[1]
        return found
