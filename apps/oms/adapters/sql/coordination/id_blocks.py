"""Id blocks: a row per kind stores where the next block begins.

A process allocates a block and assigns ids from memory; ids unused at its end are lost. Blocks
start small, so that ids stay readable, and double while they are used up within seconds. A worker
that takes accounts over gives up its blocks: those of the worker before may have been allocated
later, and the ids of an account increase.
"""

import asyncio
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.errors import CommitOutcomeUnknown
from oms.adapters.sql.connection.session import Session
from oms.domain.ids import IdKind

BLOCK_IDS_MIN = 100
BLOCK_IDS_MAX = 20_000
#: A block used up within this time doubles the size of the next one.
FAST_USE_SECONDS = 2.0
#: Reserve in multiples of a request: other tasks may use ids between ``ensure`` and the call.
RESERVE_FACTOR = 4


@dataclass(slots=True)
class _AvailableIds:
    """Allocated ids of one kind: the range ``[next, end)`` and further ranges in order."""

    next: int = 0
    end: int = 0
    further: deque[tuple[int, int]] = field(default_factory=deque)
    block: int = BLOCK_IDS_MIN
    allocated_at: float = 0.0
    #: How often ids had been renewed when the first of these blocks was allocated.
    renewals: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def has(self, count: int) -> bool:
        """Whether ``count`` ids with reserve are available, and that many consecutive ones."""
        first, end = self.further[-1] if self.further else (self.next, self.end)
        return self.count() >= count * RESERVE_FACTOR and end - first >= count

    def count(self) -> int:
        """Return the number of available ids."""
        return self.end - self.next + sum(end - first for first, end in self.further)

    def add(self, first: int, count: int) -> None:
        """Add a block, merged with an adjacent preceding one."""
        if not self.further and self.end == first:
            self.end = first + count
        elif self.further and self.further[-1][1] == first:
            self.further[-1] = self.further[-1][0], first + count
        else:
            self.further.append((first, first + count))


class SqlIdBlocks:
    """``ports.ids.IdBlocks`` on the table ``id_blocks``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._available: defaultdict[IdKind, _AvailableIds] = defaultdict(_AvailableIds)
        self._renewals = 0

    async def ensure(self, kind: IdKind, count: int) -> None:
        """Make ``count`` ids of ``kind`` available. Raises ``Unavailable``."""
        available = self._available[kind]
        if available.renewals == self._renewals and (
            available.end - available.next >= count * RESERVE_FACTOR or available.has(count)
        ):
            return
        async with available.lock:
            if available.renewals != self._renewals:
                await self._replace_blocks(kind, available, count)
            if not available.has(count):
                await self._add_block(kind, available, count)

    async def allocate(self, kind: IdKind, count: int = 1) -> int:
        """Return the first of ``count`` consecutive new ids. Raises ``Unavailable``."""
        await self.ensure(kind, count)
        return self.reserve_range(kind, count)

    def renew(self) -> None:
        """Give up what is reserved, as ``ports.ids.IdBlocks``."""
        self._renewals += 1

    def __call__(self, kind: IdKind) -> int:
        """Return a new id."""
        return self.reserve_range(kind, 1)

    def reserve_range(self, kind: IdKind, count: int) -> int:
        """Return the first of ``count`` consecutive new ids; too short ranges are dropped."""
        available = self._available[kind]
        while available.end - available.next < count:
            assert available.further, f"no ids of kind {kind} were ensured"
            available.next, available.end = available.further.popleft()
        first = available.next
        available.next += count
        return first

    async def _replace_blocks(self, kind: IdKind, available: _AvailableIds, count: int) -> None:
        """Replace what is reserved by a block as large, as other tasks have ensured parts of it."""
        renewals, reserved = self._renewals, available.count()
        size = max(available.block, count * RESERVE_FACTOR, reserved)
        first = await self._advance(kind, size)
        available.next, available.end, available.renewals = first, first + size, renewals
        available.further.clear()

    async def _add_block(self, kind: IdKind, available: _AvailableIds, count: int) -> None:
        now = time.monotonic()
        if available.allocated_at and now - available.allocated_at < FAST_USE_SECONDS:
            available.block = min(available.block * 2, BLOCK_IDS_MAX)
        elif now - available.allocated_at > 10 * FAST_USE_SECONDS:
            available.block = BLOCK_IDS_MIN
        available.allocated_at = now
        size = max(available.block, count * RESERVE_FACTOR)
        available.add(await self._advance(kind, size), size)

    async def _advance(self, kind: IdKind, count: int) -> int:
        param = self._database.dialect.param

        async def advance(session: Session) -> int:
            changed = await session.execute(
                f"UPDATE id_blocks SET next_id = next_id + {param} WHERE name = {param}",
                (count, kind),
            )
            assert changed == 1, f"id_blocks has no row for {kind}"
            text = f"SELECT next_id FROM id_blocks WHERE name = {param}"
            (after,) = (await session.fetch(text, (kind,)))[0]
            return int(after) - count

        try:
            return await self._database.write(advance)
        except CommitOutcomeUnknown:
            # A lost block costs nothing: allocate another.
            return await self._database.write(advance)
