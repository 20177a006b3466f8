"""Shared budgets on ``rate_chunks``: ``ports.rate_chunks.RateChunks``.

A row is one second of one scope. A row of a second to come is a pause until then: nobody takes
tokens of the future, so nothing else makes such rows.
"""

import math
from typing import Any

from oms.adapters.sql.connection.database import Database, Work
from oms.adapters.sql.connection.errors import CommitOutcomeUnknown, outcome_unknown_error
from oms.adapters.sql.connection.session import Session
from oms.ports.rate_budget import TokenGrant

#: Tokens are kept in thousandths: venues count in fractions of a request.
PARTS_PER_TOKEN = 1000
RETENTION_SECONDS = 60


class SqlRateBudget:
    """Takes and pauses; all times are the database's own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.dialect
        param = dialect.param
        key = f"scope = {param} AND second = {param}"
        self._now = f"SELECT {dialect.now}"
        self._pause_end = (
            f"SELECT MAX(second) FROM rate_chunks WHERE scope = {param} AND second > {param}"
        )
        self._row = (
            f"INSERT INTO rate_chunks (scope, second, used) VALUES ({param}, {param}, 0)"
            + dialect.upsert_clause(("scope", "second"), ("scope",))
        )
        self._read = f"SELECT used FROM rate_chunks WHERE {key}{dialect.for_update}"
        self._spend = f"UPDATE rate_chunks SET used = used + {param} WHERE {key}"
        self._forget = f"DELETE FROM rate_chunks WHERE scope = {param} AND second < {param}"

    async def take(self, scope: str, wanted: float, most: float) -> TokenGrant:
        """Tokens of this second. Raises ``Unavailable``."""

        async def work(session: Session) -> TokenGrant:
            second, left = await self._second(session)
            ((pause_end,),) = await session.fetch(self._pause_end, (scope, second))
            if pause_end is not None:
                paused = int(pause_end) - second - 1 + left
                return TokenGrant(tokens=0.0, seconds=left, paused=paused)
            await session.execute(self._row, (scope, second))
            ((used,),) = await session.fetch(self._read, (scope, second))
            room = math.floor(most * PARTS_PER_TOKEN) - int(used)
            given = min(math.ceil(wanted * PARTS_PER_TOKEN), max(room, 0))
            if given:
                await session.execute(self._spend, (given, scope, second))
            if not used:
                await session.execute(self._forget, (scope, second - RETENTION_SECONDS))
            return TokenGrant(tokens=given / PARTS_PER_TOKEN, seconds=left)

        chunk: TokenGrant = await self._write(work)
        return chunk

    async def pause(self, scope: str, seconds: float) -> None:
        """Nobody takes any for so long. Raises ``Unavailable``."""

        async def work(session: Session) -> None:
            second, left = await self._second(session)
            end = second + 1 + math.ceil(max(seconds - left, 0.0))
            await session.execute(self._row, (scope, end))

        await self._write(work)

    async def _second(self, session: Session) -> tuple[int, float]:
        """The second that it is, and how much of it is left."""
        ((told,),) = await session.fetch(self._now)
        at = session.dialect.decode_time(told).timestamp()
        return math.floor(at), max(math.floor(at) + 1 - at, 0.0)

    async def _write(self, work: Work[Any]) -> Any:
        try:
            return await self._database.write(work)
        except CommitOutcomeUnknown as doubt:
            raise outcome_unknown_error() from doubt
