"""Chains the commands: each gets a link when it was accepted, and one with its result.

Housekeeping does this, so that neither accepting nor executing a command waits for the chain.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from oms.domain.command_chain import CommandLink, CommandRecord, make_command_link
from oms.ports.audit_log import ChainHead
from oms.ports.clock import Clock
from oms.ports.command_chain import CommandChain

logger = logging.getLogger(__name__)

COMMANDS_PER_BATCH = 200
BATCHES_MAX = 500
LATE_COMMANDS_INTERVAL = timedelta(minutes=5)
LATE_COMMANDS_MARGIN = timedelta(minutes=15)
"""A command is stored within this time of its creation; its id may be lower than linked ones."""


@dataclass(slots=True, kw_only=True)
class ChainCommands:
    """Appends links for new and ended commands."""

    chain: CommandChain
    clock: Clock
    #: All commands up to this id were seen, but for those that were stored late.
    _seen_to: int = 0
    _late_searched_at: datetime | None = None

    async def __call__(self) -> int:
        """Return how many links were appended. Raises ``Unavailable``."""
        # Another process may have chained meanwhile.
        self._seen_to = max(self._seen_to, await self.chain.last_command_id())
        # Ended ones first: a command that ends before its first round gets one link.
        ended, _ = await self._link_all(partial(self.chain.ended_commands, COMMANDS_PER_BATCH))
        late = await self._link_late()
        new, _ = await self._link_all(self._new_commands)
        return ended + late + new

    async def _new_commands(self) -> Sequence[CommandRecord]:
        """Return the next commands with higher ids than those seen."""
        while stored := await self.chain.commands_after(self._seen_to, COMMANDS_PER_BATCH):
            self._seen_to = stored.last_id
            if stored.records:
                return stored.records
        return ()

    async def _link_late(self) -> int:
        """Link commands whose ids are lower than those seen: processes use ids from blocks."""
        now, searched_at = self.clock.now(), self._late_searched_at
        if searched_at is not None and now - searched_at < LATE_COMMANDS_INTERVAL:
            return 0
        since = (searched_at or await self.chain.last_linked_at() or now) - LATE_COMMANDS_MARGIN
        read = partial(self.chain.late_commands, since, self._seen_to, COMMANDS_PER_BATCH)
        count, is_complete = await self._link_all(read)
        if is_complete:
            self._late_searched_at = now
        return count

    async def _link_all(
        self, read: Callable[[], Awaitable[Sequence[CommandRecord]]]
    ) -> tuple[int, bool]:
        """Link what ``read`` returns until there is nothing more, or the chain's end moves.

        Returns how many links were appended, and whether there was nothing more.
        """
        count = 0
        for _ in range(BATCHES_MAX):
            # Read before the records: a head that is still the end then means that no other process
            # has linked them.
            head = await self.chain.head()
            seen_to = self._seen_to
            records = await read()
            if not records:
                return count, True
            if not await self._append(head, records):
                self._seen_to = seen_to
                break
            count += len(records)
        return count, False

    async def _append(self, head: ChainHead | None, records: Sequence[CommandRecord]) -> bool:
        """Append a link for each record; ``False`` if the end of the chain moved or is missing."""
        if head is None:
            logger.error("audit_chain_broken chain=oms_commands reason=no_head")
            return False
        links, tail = list[CommandLink](), head
        for record in records:
            link = make_command_link(record, tail.length + 1, tail.hash)
            links.append(link)
            tail = ChainHead(length=link.number, hash=link.hash)
        if await self.chain.append(head, links):
            return True
        if await self.chain.head() == head:
            logger.error("audit_chain_broken chain=oms_commands reason=not_its_end")
        return False
