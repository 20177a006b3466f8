"""Shared budgets on ``rate_chunks``: ``ports.rate_chunks.RateChunks``.

A row is one second of one scope. A row of a second to come is a pause until then: nobody takes
tokens of the future, so nothing else makes such rows.
"""

import math
from typing import Any

from oms.adapters.sql.database import Database, Work
from oms.adapters.sql.errors import InDoubt, in_doubt
from oms.adapters.sql.session import Session
from oms.ports.rate_chunks import Chunk

#: Tokens are kept in thousandths: venues count in fractions of a request.
PARTS = 1000
KEPT_SECONDS = 60


class SqlRateChunks:
    """Takes and pauses; all times are the database's own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.dialect
        mark = dialect.mark
        key = f"scope = {mark} AND second = {mark}"
        self._now = f"SELECT {dialect.now}"
        self._pause_end = (
            f"SELECT MAX(second) FROM rate_chunks WHERE scope = {mark} AND second > {mark}"
        )
        self._row = (
            f"INSERT INTO rate_chunks (scope, second, used) VALUES ({mark}, {mark}, 0)"
            + dialect.upsert_tail(("scope", "second"), ("scope",))
        )
        self._read = f"SELECT used FROM rate_chunks WHERE {key}{dialect.for_update}"
        self._spend = f"UPDATE rate_chunks SET used = used + {mark} WHERE {key}"
        self._forget = f"DELETE FROM rate_chunks WHERE scope = {mark} AND second < {mark}"

    async def take(self, scope: str, wanted: float, most: float) -> Chunk:
        """Tokens of this second. Raises ``Unavailable``."""

        async def work(session: Session) -> Chunk:
            second, left = await self._second(session)
            ((pause_end,),) = await session.fetch(self._pause_end, (scope, second))
            if pause_end is not None:
                paused = int(pause_end) - second - 1 + left
                return Chunk(tokens=0.0, seconds=left, paused=paused)
            await session.execute(self._row, (scope, second))
            ((used,),) = await session.fetch(self._read, (scope, second))
            room = math.floor(most * PARTS) - int(used)
            given = min(math.ceil(wanted * PARTS), max(room, 0))
            if given:
                await session.execute(self._spend, (given, scope, second))
            if not used:
                await session.execute(self._forget, (scope, second - KEPT_SECONDS))
            return Chunk(tokens=given / PARTS, seconds=left)

        chunk: Chunk = await self._write(work)
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
        at = session.dialect.time_out(told).timestamp()
        return math.floor(at), max(math.floor(at) + 1 - at, 0.0)

    async def _write(self, work: Work[Any]) -> Any:
        try:
            return await self._database.write(work)
        except InDoubt as doubt:
            raise in_doubt() from doubt
