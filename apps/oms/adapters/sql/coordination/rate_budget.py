"""Request budgets shared by all workers, in the table ``rate_chunks``.

A row is one second of one scope. Tokens are only taken of the current second, so a row of a future
second is a pause until then.
"""

import math
from typing import Any

from oms.adapters.sql.connection.database import Database, Work
from oms.adapters.sql.connection.session import Session
from oms.ports.rate_budget import TokenGrant

#: Tokens are stored in thousandths: venues count fractions of a request.
PARTS_PER_TOKEN = 1000
RETENTION_SECONDS = 60


class SqlRateBudget:
    """``ports.rate_budget.RateBudget``; all times come from the database clock."""

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

    async def take(self, scope: str, requested: float, maximum: float) -> TokenGrant:
        """Take tokens of the current second. Raises ``Unavailable``."""

        async def work(session: Session) -> TokenGrant:
            second, left = await self._second(session)
            ((pause_end,),) = await session.fetch(self._pause_end, (scope, second))
            if pause_end is not None:
                paused = int(pause_end) - second - 1 + left
                return TokenGrant(tokens=0.0, seconds=left, paused=paused)
            await session.execute(self._row, (scope, second))
            ((used_parts,),) = await session.fetch(self._read, (scope, second))
            remaining = math.floor(maximum * PARTS_PER_TOKEN) - int(used_parts)
            granted = min(math.ceil(requested * PARTS_PER_TOKEN), max(remaining, 0))
            if granted:
                await session.execute(self._spend, (granted, scope, second))
            if not used_parts:
                await session.execute(self._forget, (scope, second - RETENTION_SECONDS))
            return TokenGrant(tokens=granted / PARTS_PER_TOKEN, seconds=left)

        chunk: TokenGrant = await self._write(work)
        return chunk

    async def pause(self, scope: str, seconds: float) -> None:
        """Block the scope for ``seconds``. Raises ``Unavailable``."""

        async def work(session: Session) -> None:
            second, left = await self._second(session)
            end = second + 1 + math.ceil(max(seconds - left, 0.0))
            await session.execute(self._row, (scope, end))

        await self._write(work)

    async def _second(self, session: Session) -> tuple[int, float]:
        """Return the current second and the seconds left of it."""
        ((now,),) = await session.fetch(self._now)
        at = session.dialect.decode_time(now).timestamp()
        return math.floor(at), max(math.floor(at) + 1 - at, 0.0)

    async def _write(self, work: Work[Any]) -> Any:
        return await self._database.commit(work)
