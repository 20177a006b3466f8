"""Ids in blocks: a durable row per kind says where the next block begins.

A process takes a block and hands its ids out of memory; what it did not use when it ends is never
used again. Blocks are small while little happens, so that ids stay readable, and double while they
are used up within seconds.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.errors import CommitOutcomeUnknown
from oms.adapters.sql.connection.session import Session
from oms.domain.ids import IdKind

BLOCK_IDS_MIN = 100
BLOCK_IDS_MAX = 20_000
#: A block used up within this time makes the next one twice as large.
FAST_USE_SECONDS = 2.0
#: Held beyond what was asked for: others may use ids between asking and using.
RESERVE_FACTOR = 4


@dataclass(slots=True)
class _Stock:
    """The ids of one kind at hand: the range ``[next, end)``, and those behind it in order."""

    next: int = 0
    end: int = 0
    behind: deque[tuple[int, int]] = field(default_factory=deque)
    block: int = BLOCK_IDS_MIN
    taken_at: float = 0.0
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def has(self, count: int) -> bool:
        """Whether ``count`` ids are at hand, with spare, and that many in a row."""
        first, end = self.behind[-1] if self.behind else (self.next, self.end)
        left = self.end - self.next + sum(end - first for first, end in self.behind)
        return left >= count * RESERVE_FACTOR and end - first >= count

    def add(self, first: int, count: int) -> None:
        """Put a block at hand; it joins the one before it where they touch."""
        if not self.behind and self.end == first:
            self.end = first + count
        elif self.behind and self.behind[-1][1] == first:
            self.behind[-1] = self.behind[-1][0], first + count
        else:
            self.behind.append((first, first + count))


class SqlIdBlocks:
    """``ports.ids.IdBlocks`` on the table ``id_blocks``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stocks: dict[IdKind, _Stock] = {}

    async def ensure(self, kind: IdKind, count: int) -> None:
        """Afterwards ``count`` calls for ``kind`` are answered. Raises ``Unavailable``."""
        stock = self._stocks.get(kind)
        if stock is None:
            stock = self._stocks[kind] = _Stock()
        if stock.end - stock.next >= count * RESERVE_FACTOR or stock.has(count):
            return
        async with stock.taking:
            if not stock.has(count):
                await self._take(kind, stock, count)

    def __call__(self, kind: IdKind) -> int:
        """A fresh id."""
        return self.run(kind, 1)

    def run(self, kind: IdKind, count: int) -> int:
        """The first of ``count`` fresh ids in a row; a range too short for them is dropped."""
        stock = self._stocks[kind]
        while stock.end - stock.next < count:
            assert stock.behind, f"ids of kind {kind} were not provided for"
            stock.next, stock.end = stock.behind.popleft()
        first = stock.next
        stock.next += count
        return first

    async def _take(self, kind: IdKind, stock: _Stock, count: int) -> None:
        now = time.monotonic()
        if stock.taken_at and now - stock.taken_at < FAST_USE_SECONDS:
            stock.block = min(stock.block * 2, BLOCK_IDS_MAX)
        elif now - stock.taken_at > 10 * FAST_USE_SECONDS:
            stock.block = BLOCK_IDS_MIN
        stock.taken_at = now
        wanted = max(stock.block, count * RESERVE_FACTOR)
        stock.add(await self._allocated(kind, wanted), wanted)

    async def _allocated(self, kind: IdKind, count: int) -> int:
        param = self._database.dialect.param

        async def allocate(session: Session) -> int:
            changed = await session.execute(
                f"UPDATE id_blocks SET next_id = next_id + {param} WHERE name = {param}",
                (count, kind),
            )
            assert changed == 1, f"id_blocks has no row for {kind}"
            text = f"SELECT next_id FROM id_blocks WHERE name = {param}"
            (after,) = (await session.fetch(text, (kind,)))[0]
            return int(after) - count

        try:
            return await self._database.write(allocate)
        except CommitOutcomeUnknown:
            # A block lost to doubt costs nothing: take another.
            return await self._database.write(allocate)
