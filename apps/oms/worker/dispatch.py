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

from oms.domain.commands.account_commands import ReadConnection
from oms.domain.commands.command import COMMAND_TYPES, Command, CommandResult, CommandStatus
from oms.domain.errors import LeaseLost, Refused, Unavailable
from oms.domain.reconcile.position_comparison import Scope
from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals
from oms.domain.value import constructor, evolve
from oms.ports.clock import Clock
from oms.ports.command_queue import CommandQueue, CommandRow
from oms.ports.exchange import Exchange
from oms.ports.ledger_store import LedgerStore, LoadedAccount
from oms.services.account_state.state import AccountState
from oms.services.commands.execute import ExecuteCommand
from oms.services.commands.pending_commands import restore_pending
from oms.services.exchange_sync.poll_exchange import PollExchange
from oms.services.ledger.record import Changes, RecordReports
from oms.wire.commands.command_codec import decode_payload
from oms.wire.commands.result_codec import load_result
from oms.worker.batch_size import AdaptiveBatchSize
from oms.worker.commit_pipeline import CommitPipeline
from oms.worker.leases import LeaseKeeper
from oms.worker.wakeup_listener import WakeupListener

_new_command = constructor(Command)

logger = logging.getLogger(__name__)

ACCOUNTS_PER_POLL = 20
"""Accounts without open orders that one look at the market takes on."""

BACKOFF = timedelta(seconds=5)
"""How long an account is left alone whose exchange failed us; its commands wait."""

READ_CONNECTION_TYPE = COMMAND_TYPES[ReadConnection]
"""The command that is carried out while the exchange is only being connected, too."""

PREFETCH_AT_REMAINING = 16
"""Commands before the end of a round at which the next is read: late, so that it finds much, and in
time, so that it is there when the round ends."""


@dataclass(slots=True, kw_only=True)
class CommandProcessor:
    """The homes of one worker and what is done with them."""

    keeper: LeaseKeeper
    clock: Clock
    queue: CommandQueue
    ledger: LedgerStore
    execute: ExecuteCommand
    record: RecordReports
    poll_exchange: PollExchange
    pipeline: CommitPipeline
    #: Makes an account's exchange, which calls the function given when it has something to tell.
    connect: Callable[[LoadedAccount, Callable[[], None]], Exchange]
    batch_max: int
    #: The gateway's own switch before live trading.
    live_allowed: bool = False
    #: Called when an exchange has something to tell.
    notify: Callable[[], None] = lambda: None
    states: dict[int, AccountState] = field(default_factory=dict)
    #: Accounts that time may move though they have no orders, in the order of their turns.
    _turns: deque[int] = field(default_factory=deque)
    #: Accounts whose exchange failed us, and until when they are left alone.
    _resting: dict[int, datetime] = field(default_factory=dict)
    #: Accounts whose exchange has something to tell.
    _news: set[int] = field(default_factory=set)
    _crowd: AdaptiveBatchSize = field(default_factory=AdaptiveBatchSize)
    #: The read of the next round, begun early.
    _next: "asyncio.Task[Sequence[CommandRow]] | None" = None

    async def take(self) -> Sequence[CommandRow]:
        """What is queued now for the accounts held, in order, less what is in hand."""
        if self._next is not None:
            ahead, self._next = self._next, None
            return await ahead
        return await self._queued(self.pipeline.inflight_command_ids())

    async def run(self, rows: Sequence[CommandRow]) -> int:
        """Execute in order and send to be committed together; the number of commands."""
        count, batch_size = (
            0,
            self._crowd.batch_size(len(rows) + len(self.pipeline.inflight_command_ids())),
        )
        for left, row in zip(range(len(rows), 0, -1), rows, strict=True):
            if left == PREFETCH_AT_REMAINING:
                await self._look_ahead(rows)
            state = await self._home(row.account_id)
            if state is None or (_must_wait(state) and row.command_type != READ_CONNECTION_TYPE):
                continue  # it stays queued
            await self.execute(state, command_of(row), self.clock.now())
            self.pipeline.add(state)
            count += 1
            if self.pipeline.added >= batch_size and self.pipeline.is_free():
                await self._push()
            if self.pipeline.running is not None or self._next is not None:
                await asyncio.sleep(0)  # what is on its way moves on between two commands
        await self._push()
        return count

    def has_prefetched(self) -> bool:
        """Whether the next round is being read, or was."""
        return self._next is not None

    async def await_commits(self, ear: WakeupListener) -> bool:
        """Wait for the commits on their way; whether there is more to do at once.

        What is rung for meanwhile is read, so that it can be executed when the commit is over; not
        before, for each command between two of its steps would hold it up.
        Raises ``Unavailable`` if it is in doubt.
        """
        while (running := self.pipeline.running) is not None and not self.has_prefetched():
            while await ear.wait_before(running):
                await self._look_ahead()
            await self._push(wait=True)
        return self.has_prefetched()

    async def await_all_commits(self) -> None:
        """Wait until nothing is on its way any more. Raises ``Unavailable``."""
        await self._push(wait=True)
        while self.pipeline.running is not None:
            await self._push(wait=True)

    async def fail(self, row: CommandRow) -> None:
        """End a command that broke us; nothing it did is kept."""
        await self.evict_all()
        state = await self._home(row.account_id)
        if state is None:
            return
        message = "this command met an internal fault and was not carried out"
        why = Refused(code="internal_error", message=message)
        result = CommandResult(status=CommandStatus.FAILED, error=why)
        await self.record.append_events(state, Changes(), (command_of(row), result))
        self.pipeline.add(state)
        await self.await_all_commits()

    async def poll_market(self) -> int:
        """Let time pass for accounts that it may move; the number of accounts it changed.

        Those with open orders are looked at each time. The others take turns: a position is judged
        again by its next command, and a payment that comes later is of the same moment.
        """
        now = self.clock.now()
        changed = 0
        for account_id in [*self._in_a_hurry(), *self._next_in_turn()]:
            state = await self._home(account_id)
            if state is not None and await self._listen(state, now):
                changed += 1
        await self._push()
        return changed

    async def poll_updates(self) -> None:
        """Record what exchanges have to tell now."""
        news, self._news = self._news, set()
        for account_id in news:
            state = self.states.get(account_id)
            if state is not None and account_id in self.keeper.held:
                await self._listen(state, self.clock.now())
        if news:
            await self._push()

    async def reconcile_account(
        self, account_id: int, scope: Scope, plan: ReconcileIntervals
    ) -> Refused | None:
        """Sweep an account though nobody asked, or begin to; why not, where it cannot be."""
        state = await self._home(account_id)
        if state is None or _must_wait(state):
            return Refused(code="busy", message="it is not at home yet")
        if (unavailable_reason := state.exchange.unavailable_reason()) is not None:
            return unavailable_reason
        if state.pending_reconciles:
            return None  # what is on its way sees the same
        changes, now = Changes(), self.clock.now()
        try:
            await self.poll_exchange.reconcile.start_scheduled(state, scope, plan, changes, now)
        except Unavailable:
            raise
        except Exception:
            logger.exception("exchange_failed account_id=%d", account_id)
            await self._forsake(state, now)
            return None
        if changes.has_content():
            await self.record.append_events(state, changes)
        self.pipeline.add(state)
        await self._push()
        return None

    async def record_unreachable(self, account_id: int, unavailable_reason: Refused) -> None:
        """Write down that an account could not be read."""
        state = self.states.get(account_id)
        if state is not None:
            await self.poll_exchange.reconcile.record_failure(
                state, unavailable_reason, self.clock.now()
            )
            self.pipeline.add(state)
            await self._push()

    def needs_polling(self) -> bool:
        """Whether ``look_at_market`` has anything to look at."""
        return bool(self._turns) or any(state.orders for state in self.states.values())

    async def load_leased_accounts(self, account_ids: Iterable[int]) -> None:
        """Load the homes of those newly leased accounts that have open orders.

        Accounts that only hold positions are loaded when it is their turn.
        """
        leased = [account_id for account_id in account_ids if account_id]
        for account_id in await self.ledger.accounts_with_open_orders(leased):
            await self._home(account_id)
        self._turns.extend(await self.ledger.accounts_with_positions(leased))

    def _in_a_hurry(self) -> list[int]:
        return [account_id for account_id, state in self.states.items() if state.orders]

    def _next_in_turn(self) -> list[int]:
        """The next few accounts that may be moved by time though they have no orders."""
        if not self._turns:
            held = self.states.items()
            self._turns.extend(i for i, state in held if state.exchange.needs_polling())
        turns = [self._turns.popleft() for _ in range(min(len(self._turns), ACCOUNTS_PER_POLL))]
        return [i for i in turns if i not in self.states or not self.states[i].orders]

    async def _listen(self, state: AccountState, now: datetime) -> bool:
        """Record what the exchange tells; whether that changed anything.

        What breaks here is an adapter of one account: the others go on.
        """
        try:
            changed = await self.poll_exchange(state, now)
        except Unavailable:
            raise
        except Exception:
            logger.exception("exchange_failed account_id=%d", state.account.id)
            await self._forsake(state, now)
            return False
        if changed:
            self.pipeline.add(state)
        return changed

    async def _forsake(self, state: AccountState, now: datetime) -> None:
        """Believe nothing of a home any more, and leave its account alone for a while."""
        account_id = state.account.id
        self.pipeline.discard(state)
        await self.await_all_commits()
        await self._leave(account_id)
        self._resting[account_id] = now + BACKOFF
        self._turns.append(account_id)

    async def evict_all(self) -> None:
        """Forget all homes, once nothing is on its way any more.

        Each is loaded again when a command needs it, at the latest when it is its turn.
        """
        self._turns.extend(self.states.keys() - set(self._turns))
        for state in self.states.values():
            await state.close()
        if self._next is not None:
            await asyncio.gather(self._next, return_exceptions=True)
            self._next = None
        await self.pipeline.drop()
        self.states.clear()

    async def _look_ahead(self, exclude_ids: Sequence[CommandRow] = ()) -> None:
        """Begin to read the next round, anew if it was read before."""
        if self._next is not None:
            await asyncio.gather(self._next, return_exceptions=True)
        inflight_command_ids = {
            *self.pipeline.inflight_command_ids(),
            *(row.id for row in exclude_ids),
        }
        self._next = asyncio.create_task(self._queued(inflight_command_ids))

    async def _queued(self, exclude_ids: Collection[int]) -> Sequence[CommandRow]:
        held = [account_id for account_id in self.keeper.held if account_id]
        return await self.queue.take(held, self.batch_max, exclude_ids) if held else ()

    async def _push(self, *, wait: bool = False) -> None:
        for account_id in await self.pipeline.push(wait=wait):
            await self._leave(account_id)
            self.keeper.drop(account_id)

    async def _home(self, account_id: int) -> AccountState | None:
        lease = self.keeper.held.get(account_id)
        if lease is None:
            await self._leave(account_id)
            return None
        state = self.states.get(account_id)
        if state is not None and state.lease.token == lease.token:
            return state
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
        state = AccountState.from_loaded(image, lease, self.connect(image, on_news))
        state.on_news = on_news
        waiting = [(command_of(row), result_of(row)) for row in image.pending_commands]
        for ending in restore_pending(state, waiting):
            await self.record.append_events(state, Changes(), ending)
            self.pipeline.add(state)
        self.states[account_id] = state
        return state

    async def _leave(self, account_id: int) -> None:
        state = self.states.pop(account_id, None)
        if state is not None:
            await state.close()

    def _note(self, account_id: int) -> None:
        """An exchange has something to tell."""
        self._news.add(account_id)
        self.notify()


def _must_wait(state: AccountState) -> bool:
    """Whether the exchange is only being connected; in trouble, it refuses."""
    return not state.exchange.is_ready() and state.exchange.unavailable_reason() is None


def result_of(row: CommandRow) -> CommandResult:
    """What is known so far of a command that is not over."""
    return load_result(row.status, row.error, row.result, row.order_id)


def command_of(row: CommandRow) -> Command:
    """The command that a stored row holds."""
    return _new_command(
        id=row.id,
        account_id=row.account_id,
        payload=decode_payload(row.command_type, row.payload),
        actor=row.actor,
        request_id=row.request_id,
        comment=row.comment,
        created_at=row.created_at,
    )
