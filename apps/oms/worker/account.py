"""Draining the queues: take, execute in order, commit together, ring.

All accounts of this worker go through one loop: what is queued when a round begins shares its
commit, what arrives meanwhile shares the next. One commit may be on its way while the next round
is executed; they reach the database one after the other, and if the first fails, what was built on
it is thrown away. Homes are loaded when their account first has something to do and dropped at the
first doubt.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from oms.domain.command import Command, CommandResult, CommandStatus
from oms.domain.errors import LeaseLost, Refused
from oms.ports.clock import Clock
from oms.ports.exchange import Exchange
from oms.ports.ledger import AccountImage, LedgerStore
from oms.ports.queue import CommandQueue, CommandRow
from oms.services.commit import Commit
from oms.services.execute import Execute
from oms.services.home import Home
from oms.services.record import Changes, Record
from oms.wire.commands import decode
from oms.worker.leases import LeaseKeeper

logger = logging.getLogger(__name__)

CHUNK = 32
"""Commands after which a free database gets something to commit, though more are waiting."""

YIELD_EVERY = 8
"""Commands executed without a look at the event loop."""


@dataclass(slots=True, kw_only=True)
class Accounts:
    """The homes of one worker and what is done with them."""

    keeper: LeaseKeeper
    clock: Clock
    queue: CommandQueue
    ledger: LedgerStore
    execute: Execute
    record: Record
    commit: Commit
    connect: Callable[[AccountImage], Exchange]
    batch_max: int
    homes: dict[int, Home] = field(default_factory=dict)
    _committing: "asyncio.Task[frozenset[int]] | None" = None
    #: Commands whose results are being committed: the queue still shows them.
    _on_their_way: frozenset[int] = frozenset()

    async def take(self) -> Sequence[CommandRow]:
        """What is queued now for the accounts held, in order, less what is being committed."""
        held = [account_id for account_id in self.keeper.held if account_id]
        if not held:
            return ()
        return await self.queue.take(held, self.batch_max, self._on_their_way)

    async def run(self, rows: Iterable[CommandRow]) -> int:
        """Execute in order and send to be committed together; the number of commands."""
        touched: dict[int, Home] = {}
        count = 0
        for row in rows:
            home = await self._home(row.account_id)
            if home is None:
                continue
            touched[row.account_id] = home
            await self.execute(home, command_of(row), self.clock.now())
            count += 1
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)  # let the commit on its way move on
            if count % CHUNK == 0 and self._may_send():
                await self._send(touched.values())
                touched.clear()
        await self._send(touched.values())
        return count

    async def settle(self) -> None:
        """Wait for the commit on its way. Raises ``Unavailable`` if it is in doubt."""
        if self._committing is None:
            return
        committing, self._committing = self._committing, None
        lost = await committing
        self._on_their_way = frozenset()
        for home in self.homes.values():
            home.settled()
        for account_id in lost:
            self.homes.pop(account_id, None)
            self.keeper.drop(account_id)

    async def fail(self, row: CommandRow) -> None:
        """End a command that broke us; nothing it did is kept."""
        await self.drop_all()
        home = await self._home(row.account_id)
        if home is None:
            return
        message = "this command met an internal fault and was not carried out"
        why = Refused(code="internal_error", message=message)
        result = CommandResult(status=CommandStatus.FAILED, error=why)
        await self.record.tell(home, Changes(), (command_of(row), result))
        await self._send([home])
        await self.settle()

    async def look_at_market(self) -> int:
        """Let time pass for accounts with open orders; the number of accounts it changed."""
        now = self.clock.now()
        changed: list[Home] = []
        for account_id in list(self.homes):
            home = await self._home(account_id)
            if home is None or not home.orders:
                continue
            reports = await home.exchange.advance(now)
            if reports:
                changes = Changes()
                await self.record(home, reports, changes)
                await self.record.tell(home, changes)
                changed.append(home)
        await self._send(changed)
        return len(changed)

    async def move_in(self, account_ids: Iterable[int]) -> None:
        """Load the homes of those newly leased accounts that have open orders."""
        for account_id in await self.ledger.busy([i for i in account_ids if i]):
            await self._home(account_id)

    def _may_send(self) -> bool:
        return self._committing is None or self._committing.done()

    async def drop_all(self) -> None:
        """Forget all homes, once nothing is on its way any more: each is loaded when needed."""
        if self._committing is not None:
            await asyncio.wait([self._committing])
            self._committing = None
        self._on_their_way = frozenset()
        self.homes.clear()

    async def _send(self, homes: Iterable[Home]) -> None:
        """Begin to commit what the homes have drafted, after what is on its way."""
        await self.settle()
        drafted = [
            home
            for home in homes
            if home.draft.has_content() and self.homes.get(home.account.id) is home
        ]
        if not drafted:
            return
        batches = [home.send() for home in drafted]
        self._on_their_way = frozenset(i for batch in batches for i in batch.results)
        self._committing = asyncio.create_task(self.commit(batches))

    async def _home(self, account_id: int) -> Home | None:
        lease = self.keeper.held.get(account_id)
        if lease is None:
            self.homes.pop(account_id, None)
            return None
        home = self.homes.get(account_id)
        if home is not None and home.lease.token == lease.token:
            return home
        try:
            image = await self.ledger.load(lease)
        except LeaseLost:
            self.keeper.drop(account_id)
            return None
        home = Home.furnished(image, lease, self.connect(image))
        self.homes[account_id] = home
        return home


def command_of(row: CommandRow) -> Command:
    """The command that a stored row holds."""
    return Command(
        id=row.id,
        account_id=row.account_id,
        payload=decode(row.command_type, row.payload),
        actor=row.actor,
        request_id=row.request_id,
        comment=row.comment,
        created_at=row.created_at,
    )
