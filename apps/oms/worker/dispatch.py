"""Dispatch of queued commands: fetch, execute in order, commit together, notify.

One loop serves all accounts of the worker. Commands queued when a round begins share its commits,
later ones go into the next round. While a round is executed, the next one is fetched and the last
one is committed (``worker.commit_pipeline``). An account is loaded when it first has something to
do, and evicted when the outcome of a commit is unknown.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from oms.domain.commands.account_commands import ReadConnection
from oms.domain.commands.command import COMMAND_TYPES, CommandResult, CommandStatus
from oms.domain.errors import LeaseLost, Refused, Unavailable
from oms.domain.reconcile.position_comparison import Scope
from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.command_queue import CommandQueue, CommandRow
from oms.ports.exchange import ExchangePorts
from oms.ports.ledger_store import LedgerStore, LoadedAccount
from oms.ports.performance.recent_activity import RecentActivityReads
from oms.services.account_state.equity_reader import EquityReader
from oms.services.account_state.state import AccountState
from oms.services.commands.execute import ExecuteCommand
from oms.services.commands.pending_commands import restore_pending
from oms.services.commands.policy_limits import risk_day_zone
from oms.services.exchange_sync.poll_exchange import PollExchange
from oms.services.ledger.record import Changes, RecordReports
from oms.worker.activity import WorkerActivity
from oms.worker.batch_size import AdaptiveBatchSize
from oms.worker.commit_pipeline import CommitPipeline
from oms.worker.leases import LeaseKeeper
from oms.worker.stored_command import command_of, result_of
from oms.worker.wakeup_listener import UpdatedAccounts, WakeupListener

logger = logging.getLogger(__name__)

ACCOUNTS_PER_POLL = 20
"""Accounts without open orders that one market poll covers."""

BACKOFF_SECONDS = 5.0
"""How long an account is left out after its exchange raised an error; its commands wait."""

READ_CONNECTION_TYPE = COMMAND_TYPES[ReadConnection]
"""The command type that is executed also while the exchange is connecting."""

PREFETCH_AT_REMAINING = 16
"""The number of commands left in a round at which the next is fetched: late, so that it contains
many, and early enough to be there when the round ends.
"""


@dataclass(slots=True, kw_only=True)
class CommandProcessor:
    """Executes the commands of the worker's accounts."""

    keeper: LeaseKeeper
    clock: Clock
    queue: CommandQueue
    ledger: LedgerStore
    execute: ExecuteCommand
    record: RecordReports
    poll_exchange: PollExchange
    pipeline: CommitPipeline
    #: Creates an account's exchange; it calls the given function when it has new events.
    connect: Callable[[LoadedAccount, Callable[[], None]], ExchangePorts]
    #: Accounts whose exchange has new events.
    updated: UpdatedAccounts
    batch_max: int
    #: Whether the gateway's configuration permits live trading.
    live_allowed: bool = False
    #: Currency in which limits are counted.
    limit_currency: str = "USD"
    #: Equity of accounts, for limits that are counted against it.
    read_equity: EquityReader | None = None
    #: What accounts did lately, for limits that count it.
    recent_activity: RecentActivityReads | None = None
    #: Counts what is executed and committed.
    activity: WorkerActivity = field(default_factory=WorkerActivity)
    states: dict[int, AccountState] = field(default_factory=dict)
    #: Accounts without open orders that need polling, in turn.
    _poll_queue: deque[int] = field(default_factory=deque)
    #: Accounts that were evicted and are loaded again with the next poll.
    _watched_before: set[int] = field(default_factory=set)
    monotonic: Callable[[], float] = time.monotonic
    #: Accounts whose exchange raised an error, and when they are retried.
    _backoff_until: dict[int, float] = field(default_factory=dict)
    _batch_size: AdaptiveBatchSize = field(default_factory=AdaptiveBatchSize)
    #: The fetch of the next round, started early.
    _prefetch: "asyncio.Task[Sequence[CommandRow]] | None" = None

    async def fetch_queued(self) -> Sequence[CommandRow]:
        """Return the queued commands of the leased accounts in order, without those in flight."""
        if self._prefetch is not None:
            prefetch, self._prefetch = self._prefetch, None
            return await prefetch
        return await self._fetch(self.pipeline.inflight_command_ids())

    async def run(self, rows: Sequence[CommandRow]) -> int:
        """Execute commands in order and start their commits. Returns the number executed."""
        count, inflight = 0, len(rows) + len(self.pipeline.inflight_command_ids())
        batch_size = self._batch_size.batch_size(inflight)
        await self._read_equity_of(rows)
        for left, row in zip(range(len(rows), 0, -1), rows, strict=True):
            if left == PREFETCH_AT_REMAINING:
                await self._start_prefetch(rows)
            state = await self._state_of(row.account_id)
            if state is None or (
                _is_connecting(state) and row.command_type != READ_CONNECTION_TYPE
            ):
                continue  # It stays queued.
            now = self.clock.now()
            self.activity.note_start(row, now)
            await self.execute(state, command_of(row), now)
            self.pipeline.add(state)
            count += 1
            if self.pipeline.added >= batch_size and self.pipeline.is_free():
                await self._push_commits()
            if self.pipeline.running is not None or self._prefetch is not None:
                await asyncio.sleep(0)  # Let background tasks run between two commands.
        await self._push_commits()
        return count

    async def _read_equity_of(self, rows: Sequence[CommandRow]) -> None:
        """Read the equity of all accounts with commands that limit losses, in one read."""
        if self.read_equity is None or len(rows) < 2:
            return
        states = [self.states.get(account_id) for account_id in {row.account_id for row in rows}]
        limited = [each for each in states if each is not None and each.may_limit_losses()]
        if len(limited) > 1:
            zones = {each.account.id: risk_day_zone(each) for each in limited}
            await self.read_equity.read_ahead(zones, self.clock.now())

    def has_prefetched(self) -> bool:
        """Return whether the next round is being fetched, or was."""
        return self._prefetch is not None

    async def await_commits(self, listener: WakeupListener) -> bool:
        """Wait for the commits in progress. Returns whether the next round is ready.

        Commands that arrive meanwhile are fetched, so that they can be executed after the commit;
        not before it, because each of them would delay it.

        Raises ``Unavailable`` if the outcome of a commit is unknown.
        """
        while (running := self.pipeline.running) is not None and not self.has_prefetched():
            while await listener.wait_before(running):
                await self._start_prefetch()
            await self._push_commits(wait=True)
        return self.has_prefetched()

    async def await_all_commits(self) -> None:
        """Wait until no commit is in progress. Raises ``Unavailable``."""
        await self._push_commits(wait=True)
        while self.pipeline.running is not None:
            await self._push_commits(wait=True)

    async def fail(self, row: CommandRow) -> None:
        """Fail a command whose execution raised an error; none of its changes are kept."""
        await self.evict_all()
        state = await self._state_of(row.account_id)
        if state is None:
            return
        message = "this command met an internal error and was not executed"
        refused = Refused(code="internal_error", message=message)
        result = CommandResult(status=CommandStatus.FAILED, error=refused)
        await self.execute.record_failure(state, command_of(row), result)
        self.pipeline.add(state)
        await self.await_all_commits()

    async def poll_market(self) -> int:
        """Poll the exchanges of accounts that time may change. Returns how many accounts changed.

        Accounts with open orders, stop levels or price alerts are polled each time, the others in
        turn: the next command checks their positions again, and a late payment keeps its timestamp.
        """
        now = self.clock.now()
        changed = 0
        each_time = [*self._watched_before, *self._accounts_to_poll_each_time()]
        for account_id in dict.fromkeys([*each_time, *self._next_to_poll()]):
            state = await self._state_of(account_id)
            if account_id not in self._backoff_until:
                self._watched_before.discard(account_id)
            if state is not None and await self._poll(state, now):
                changed += 1
        await self._push_commits()
        return changed

    async def poll_updates(self) -> None:
        """Record the new events of exchanges."""
        updated = self.updated.take()
        for account_id in updated:
            state = self.states.get(account_id)
            if state is not None and account_id in self.keeper.held:
                await self._poll(state, self.clock.now())
        if updated:
            await self._push_commits()

    async def reconcile_account(
        self, account_id: int, scope: Scope, intervals: ReconcileIntervals
    ) -> Refused | None:
        """Run or start a scheduled reconcile pass. Returns why not, if it cannot be started."""
        state = await self._state_of(account_id)
        if state is None or _is_connecting(state):
            return Refused(code="busy", message="the exchange is not connected yet")
        if (reason := state.exchange.unavailable_reason()) is not None:
            return reason
        if self.poll_exchange.reconcile.is_running(state, scope):
            return None
        changes, now = Changes(), self.clock.now()
        try:
            await self.poll_exchange.reconcile.start_scheduled(
                state, scope, intervals, changes, now
            )
        except Unavailable:
            raise
        except Exception:
            logger.exception("exchange_failed account_id=%d", account_id)
            await self._evict_and_back_off(state)
            return None
        if changes.has_content():
            await self.record.append_events(state, changes)
        self.pipeline.add(state)
        await self._push_commits()
        return None

    async def record_unreachable(self, account_id: int, reason: Refused) -> None:
        """Record that an account could not be read."""
        state = self.states.get(account_id)
        if state is not None:
            await self.poll_exchange.reconcile.record_failure(state, reason, self.clock.now())
            self.pipeline.add(state)
            await self._push_commits()

    def take_accounts_with_closed_positions(self) -> set[int]:
        """Return the accounts of which a position ended since the last call."""
        closed = {i for i, state in self.states.items() if state.has_closed_position}
        for account_id in closed:
            self.states[account_id].has_closed_position = False
        return closed

    def needs_polling(self) -> bool:
        """Return whether ``poll_market`` has anything to poll."""
        return bool(self._poll_queue or self._watched_before) or any(
            map(_needs_each_poll, self.states.values())
        )

    async def load_account(self, account_id: int) -> None:
        """Load an account, unless it is. Raises ``Unavailable``."""
        await self._state_of(account_id)

    async def load_leased_accounts(self, account_ids: Iterable[int]) -> None:
        """Load newly leased accounts with stop levels, alerts or open orders, in this order.

        Accounts that only have positions are loaded in turn.
        """
        leased = [account_id for account_id in account_ids if account_id]
        for account_id in await self.ledger.accounts_with_stop_levels(leased):
            await self._state_of(account_id)
        for account_id in await self.ledger.accounts_with_open_orders(leased):
            await self._state_of(account_id)
        self._poll_queue.extend(await self.ledger.accounts_with_positions(leased))

    def _accounts_to_poll_each_time(self) -> list[int]:
        return [account_id for account_id, state in self.states.items() if _needs_each_poll(state)]

    def _next_to_poll(self) -> list[int]:
        """Return the next few accounts without open orders to poll."""
        if not self._poll_queue:
            held = self.states.items()
            self._poll_queue.extend(i for i, state in held if state.exchange.needs_polling())
        next_ids = [
            self._poll_queue.popleft() for _ in range(min(len(self._poll_queue), ACCOUNTS_PER_POLL))
        ]
        return [i for i in next_ids if i not in self.states or not self.states[i].orders]

    async def _poll(self, state: AccountState, now: datetime) -> bool:
        """Poll the exchange of an account. Returns whether anything changed.

        An unexpected error belongs to the adapter of one account: the others are not affected.
        """
        try:
            changed = await self.poll_exchange(state, now)
        except Unavailable:
            raise
        except Exception:
            logger.exception("exchange_failed account_id=%d", state.account.id)
            await self._evict_and_back_off(state)
            return False
        if changed:
            self.pipeline.add(state)
        return changed

    async def _evict_and_back_off(self, state: AccountState) -> None:
        """Evict an account after an error of its exchange, and leave it out for a while."""
        account_id = state.account.id
        self.pipeline.discard(state)
        await self.await_all_commits()
        await self._evict(account_id)
        self._backoff_until[account_id] = self.monotonic() + BACKOFF_SECONDS
        self._watched_before.add(account_id)

    async def evict_all(self) -> None:
        """Evict all accounts, after the commit in progress has ended.

        Each is loaded again by its next command, at the latest when it is polled.
        """
        self._watched_before.update(i for i, state in self.states.items() if state.is_watched)
        self._poll_queue.extend(self.states.keys() - set(self._poll_queue))
        for state in self.states.values():
            await state.close()
        if self._prefetch is not None:
            await asyncio.gather(self._prefetch, return_exceptions=True)
            self._prefetch = None
        await self.pipeline.drop()
        self.states.clear()

    async def _start_prefetch(self, executing: Sequence[CommandRow] = ()) -> None:
        """Start to fetch the next round, again if it was fetched before."""
        if self._prefetch is not None:
            await asyncio.gather(self._prefetch, return_exceptions=True)
        exclude_ids = {*self.pipeline.inflight_command_ids(), *(row.id for row in executing)}
        self._prefetch = asyncio.create_task(self._fetch(exclude_ids))

    async def _fetch(self, exclude_ids: Collection[int]) -> Sequence[CommandRow]:
        leased = [account_id for account_id in self.keeper.held if account_id]
        return await self.queue.take(leased, self.batch_max, exclude_ids) if leased else ()

    async def _push_commits(self, *, wait: bool = False) -> None:
        for account_id in await self.pipeline.push(wait=wait):
            await self._evict(account_id)
            self.keeper.drop(account_id)

    async def _state_of(self, account_id: int) -> AccountState | None:
        lease = self.keeper.held.get(account_id)
        if lease is None:
            self._backoff_until.pop(account_id, None)
            await self._evict(account_id)
            return None
        state = self.states.get(account_id)
        if state is not None and state.lease.token == lease.token:
            return state
        if account_id in self._backoff_until:
            if self.monotonic() < self._backoff_until[account_id]:
                return None
            del self._backoff_until[account_id]
        try:
            loaded = await self.ledger.load(lease)
        except LeaseLost:
            self.keeper.drop(account_id)
            return None
        await self._evict(account_id)
        if loaded.account.live_enabled and not self.live_allowed:
            loaded = evolve(loaded, account=evolve(loaded.account, live_enabled=False))
        on_update = partial(self.updated.mark, account_id)
        state = AccountState.from_loaded(loaded, lease, self.connect(loaded, on_update))
        state.on_update, state.read_equity = on_update, self.read_equity
        state.watched_at = self.clock.now()
        state.recent_activity, state.limit_currency = self.recent_activity, self.limit_currency
        pending = [(command_of(row), result_of(row)) for row in loaded.pending_commands]
        for finished in restore_pending(state, pending):
            await self.record.append_events(state, Changes(), finished)
            self.pipeline.add(state)
        self.states[account_id] = state
        return state

    async def _evict(self, account_id: int) -> None:
        state = self.states.pop(account_id, None)
        if state is not None:
            await state.close()


def _needs_each_poll(state: AccountState) -> bool:
    """Return whether the account has open orders, stop levels, price alerts, a command that sends
    orders in rounds, fees that wait for a rate, or losses to compare with their limits.
    """
    runs_rounds = state.pending_flattens or state.pending_reverses or state.pending_signals
    waits = state.unvalued_fees or state.is_valued
    return bool(state.orders or state.is_watched or runs_rounds or waits)


def _is_connecting(state: AccountState) -> bool:
    """Return whether the exchange is still connecting; a failed one refuses commands instead."""
    return not state.exchange.is_ready() and state.exchange.unavailable_reason() is None
