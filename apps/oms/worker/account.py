"""Draining the queues: take, execute in order, commit together, ring.

All accounts of this worker go through one loop: what is queued when a round begins shares its
commit, what arrives meanwhile shares the next. While one round is executed the next is read and
the last is committed (``worker.pipeline``). Homes are loaded when their account first has
something to do and dropped at the first doubt.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from oms.domain.command import COMMAND_TYPES, Command, CommandResult, CommandStatus
from oms.domain.control import ReadConnection
from oms.domain.errors import LeaseLost, Refused, Unavailable
from oms.domain.reconciliation import Scope
from oms.domain.sweep_plan import SweepPlan
from oms.domain.value import constructor, evolve
from oms.ports.clock import Clock
from oms.ports.exchange import Exchange
from oms.ports.ledger import AccountImage, LedgerStore
from oms.ports.queue import CommandQueue, CommandRow
from oms.services.awaiting import resumed
from oms.services.execute import Execute
from oms.services.hear import Hear
from oms.services.home import Home
from oms.services.record import Changes, Record
from oms.wire.commands import decode
from oms.wire.results import load_result
from oms.worker.crowd import Crowd
from oms.worker.ear import Ear
from oms.worker.leases import LeaseKeeper
from oms.worker.pipeline import Pipeline

_new_command = constructor(Command)

logger = logging.getLogger(__name__)

TURNS_PER_LOOK = 20
"""Accounts without open orders that one look at the market takes on."""

REST = timedelta(seconds=5)
"""How long an account is left alone whose exchange failed us; its commands wait."""

CONNECTION = COMMAND_TYPES[ReadConnection]
"""The command that is carried out while the exchange is only being connected, too."""

READ_AHEAD_BEFORE = 16
"""Commands before the end of a round at which the next is read: late, so that it finds much, and in
time, so that it is there when the round ends."""


@dataclass(slots=True, kw_only=True)
class Accounts:
    """The homes of one worker and what is done with them."""

    keeper: LeaseKeeper
    clock: Clock
    queue: CommandQueue
    ledger: LedgerStore
    execute: Execute
    record: Record
    hear: Hear
    pipeline: Pipeline
    #: Makes an account's exchange, which calls the function given when it has something to tell.
    connect: Callable[[AccountImage, Callable[[], None]], Exchange]
    batch_max: int
    #: The gateway's own switch before live trading.
    live_allowed: bool = False
    #: Called when an exchange has something to tell.
    stir: Callable[[], None] = lambda: None
    homes: dict[int, Home] = field(default_factory=dict)
    #: Accounts that time may move though they have no orders, in the order of their turns.
    _turns: deque[int] = field(default_factory=deque)
    #: Accounts whose exchange failed us, and until when they are left alone.
    _resting: dict[int, datetime] = field(default_factory=dict)
    #: Accounts whose exchange has something to tell.
    _news: set[int] = field(default_factory=set)
    _crowd: Crowd = field(default_factory=Crowd)
    #: The read of the next round, begun early.
    _next: "asyncio.Task[Sequence[CommandRow]] | None" = None

    async def take(self) -> Sequence[CommandRow]:
        """What is queued now for the accounts held, in order, less what is in hand."""
        if self._next is not None:
            ahead, self._next = self._next, None
            return await ahead
        return await self._queued(self.pipeline.in_hand())

    async def run(self, rows: Sequence[CommandRow]) -> int:
        """Execute in order and send to be committed together; the number of commands."""
        count, chunk = 0, self._crowd.chunk(len(rows) + len(self.pipeline.in_hand()))
        for left, row in zip(range(len(rows), 0, -1), rows, strict=True):
            if left == READ_AHEAD_BEFORE:
                await self._look_ahead(rows)
            home = await self._home(row.account_id)
            if home is None or (_must_wait(home) and row.command_type != CONNECTION):
                continue  # it stays queued
            await self.execute(home, command_of(row), self.clock.now())
            self.pipeline.add(home)
            count += 1
            if self.pipeline.added >= chunk and self.pipeline.is_free():
                await self._push()
            if self.pipeline.running is not None or self._next is not None:
                await asyncio.sleep(0)  # what is on its way moves on between two commands
        await self._push()
        return count

    def is_ahead(self) -> bool:
        """Whether the next round is being read, or was."""
        return self._next is not None

    async def settle(self, ear: Ear) -> bool:
        """Wait for the commits on their way; whether there is more to do at once.

        What is rung for meanwhile is read, so that it can be executed when the commit is over; not
        before, for each command between two of its steps would hold it up.
        Raises ``Unavailable`` if it is in doubt.
        """
        while (running := self.pipeline.running) is not None and not self.is_ahead():
            while await ear.rings_before(running):
                await self._look_ahead()
            await self._push(wait=True)
        return self.is_ahead()

    async def settle_all(self) -> None:
        """Wait until nothing is on its way any more. Raises ``Unavailable``."""
        await self._push(wait=True)
        while self.pipeline.running is not None:
            await self._push(wait=True)

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
        self.pipeline.add(home)
        await self.settle_all()

    async def look_at_market(self) -> int:
        """Let time pass for accounts that it may move; the number of accounts it changed.

        Those with open orders are looked at each time. The others take turns: a position is judged
        again by its next command, and a payment that comes later is of the same moment.
        """
        now = self.clock.now()
        changed = 0
        for account_id in [*self._in_a_hurry(), *self._next_in_turn()]:
            home = await self._home(account_id)
            if home is not None and await self._listen(home, now):
                changed += 1
        await self._push()
        return changed

    async def hear_news(self) -> None:
        """Record what exchanges have to tell now."""
        news, self._news = self._news, set()
        for account_id in news:
            home = self.homes.get(account_id)
            if home is not None and account_id in self.keeper.held:
                await self._listen(home, self.clock.now())
        if news:
            await self._push()

    async def sweep(self, account_id: int, scope: Scope, plan: SweepPlan) -> Refused | None:
        """Sweep an account though nobody asked, or begin to; why not, where it cannot be."""
        home = await self._home(account_id)
        if home is None or _must_wait(home):
            return Refused(code="busy", message="it is not at home yet")
        if (trouble := home.exchange.trouble()) is not None:
            return trouble
        if home.sweeping:
            return None  # what is on its way sees the same
        changes, now = Changes(), self.clock.now()
        try:
            await self.hear.reconcile.by_itself(home, scope, plan, changes, now)
        except Unavailable:
            raise
        except Exception:
            logger.exception("exchange_failed account_id=%d", account_id)
            await self._forsake(home, now)
            return None
        if changes.has_content():
            await self.record.tell(home, changes)
        self.pipeline.add(home)
        await self._push()
        return None

    async def note_unreadable(self, account_id: int, trouble: Refused) -> None:
        """Write down that an account could not be read."""
        home = self.homes.get(account_id)
        if home is not None:
            await self.hear.reconcile.unreadable(home, trouble, self.clock.now())
            self.pipeline.add(home)
            await self._push()

    def is_moved_by_time(self) -> bool:
        """Whether ``look_at_market`` has anything to look at."""
        return bool(self._turns) or any(home.orders for home in self.homes.values())

    async def move_in(self, account_ids: Iterable[int]) -> None:
        """Load the homes of those newly leased accounts that have open orders.

        Accounts that only hold positions are loaded when it is their turn.
        """
        leased = [account_id for account_id in account_ids if account_id]
        for account_id in await self.ledger.busy(leased):
            await self._home(account_id)
        self._turns.extend(await self.ledger.holding(leased))

    def _in_a_hurry(self) -> list[int]:
        return [account_id for account_id, home in self.homes.items() if home.orders]

    def _next_in_turn(self) -> list[int]:
        """The next few accounts that may be moved by time though they have no orders."""
        if not self._turns:
            held = self.homes.items()
            self._turns.extend(i for i, home in held if home.exchange.is_moved_by_time())
        turns = [self._turns.popleft() for _ in range(min(len(self._turns), TURNS_PER_LOOK))]
        return [i for i in turns if i not in self.homes or not self.homes[i].orders]

    async def _listen(self, home: Home, now: datetime) -> bool:
        """Record what the exchange tells; whether that changed anything.

        What breaks here is an adapter of one account: the others go on.
        """
        try:
            changed = await self.hear(home, now)
        except Unavailable:
            raise
        except Exception:
            logger.exception("exchange_failed account_id=%d", home.account.id)
            await self._forsake(home, now)
            return False
        if changed:
            self.pipeline.add(home)
        return changed

    async def _forsake(self, home: Home, now: datetime) -> None:
        """Believe nothing of a home any more, and leave its account alone for a while."""
        account_id = home.account.id
        self.pipeline.discard(home)
        await self.settle_all()
        await self._leave(account_id)
        self._resting[account_id] = now + REST
        self._turns.append(account_id)

    async def drop_all(self) -> None:
        """Forget all homes, once nothing is on its way any more.

        Each is loaded again when a command needs it, at the latest when it is its turn.
        """
        self._turns.extend(self.homes.keys() - set(self._turns))
        for home in self.homes.values():
            await home.close()
        if self._next is not None:
            await asyncio.gather(self._next, return_exceptions=True)
            self._next = None
        await self.pipeline.drop()
        self.homes.clear()

    async def _look_ahead(self, besides: Sequence[CommandRow] = ()) -> None:
        """Begin to read the next round, anew if it was read before."""
        if self._next is not None:
            await asyncio.gather(self._next, return_exceptions=True)
        in_hand = {*self.pipeline.in_hand(), *(row.id for row in besides)}
        self._next = asyncio.create_task(self._queued(in_hand))

    async def _queued(self, besides: Collection[int]) -> Sequence[CommandRow]:
        held = [account_id for account_id in self.keeper.held if account_id]
        return await self.queue.take(held, self.batch_max, besides) if held else ()

    async def _push(self, *, wait: bool = False) -> None:
        for account_id in await self.pipeline.push(wait=wait):
            await self._leave(account_id)
            self.keeper.drop(account_id)

    async def _home(self, account_id: int) -> Home | None:
        lease = self.keeper.held.get(account_id)
        if lease is None:
            await self._leave(account_id)
            return None
        home = self.homes.get(account_id)
        if home is not None and home.lease.token == lease.token:
            return home
        if account_id in self._resting:
            if self.clock.now() < self._resting[account_id]:
                return None
            del self._resting[account_id]
        try:
            image = await self.ledger.load(lease)
        except LeaseLost:
            self.keeper.drop(account_id)
            return None
        await self._leave(account_id)
        if image.account.live_enabled and not self.live_allowed:
            image = evolve(image, account=evolve(image.account, live_enabled=False))
        on_news = partial(self._note, account_id)
        home = Home.furnished(image, lease, self.connect(image, on_news))
        home.on_news = on_news
        waiting = [(command_of(row), result_of(row)) for row in image.waiting]
        for ending in resumed(home, waiting):
            await self.record.tell(home, Changes(), ending)
            self.pipeline.add(home)
        self.homes[account_id] = home
        return home

    async def _leave(self, account_id: int) -> None:
        home = self.homes.pop(account_id, None)
        if home is not None:
            await home.close()

    def _note(self, account_id: int) -> None:
        """An exchange has something to tell."""
        self._news.add(account_id)
        self.stir()


def _must_wait(home: Home) -> bool:
    """Whether the exchange is only being connected; in trouble, it refuses."""
    return not home.exchange.is_ready() and home.exchange.trouble() is None


def result_of(row: CommandRow) -> CommandResult:
    """What is known so far of a command that is not over."""
    return load_result(row.status, row.error, row.result, row.order_id)


def command_of(row: CommandRow) -> Command:
    """The command that a stored row holds."""
    return _new_command(
        id=row.id,
        account_id=row.account_id,
        payload=decode(row.command_type, row.payload),
        actor=row.actor,
        request_id=row.request_id,
        comment=row.comment,
        created_at=row.created_at,
    )
