"""The worker process: supervised loops; one that fails is logged and restarted.

  drain         commands and market polls: on notification, at the latest every second
  leases        renewal and fair share, at least twice a second
  housekeeping  for the holder of lease 0
  deadman       for the holder of lease 0: missed deadlines of dead-man switches, each second
  access        changes of keys and permissions by other processes
  equity        snapshots of the equity of leased accounts, each second those that are due
  limits        equity of accounts whose limits are counted against it, before it is too old
  marks         prices of what leased accounts at real exchanges hold

Only ``drain`` uses the account states, but for one flag: ``equity`` reads and resets which accounts
closed a position, with no ``await`` in between.
"""

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from oms.domain.errors import Unavailable
from oms.ports.command_queue import CommandRow
from oms.ports.leases import Lease, Leases
from oms.ports.notifier import Notifier, Topic
from oms.services.access.change_notices import ChangeNotices
from oms.services.performance.account_equity import REREAD_AGE_SECONDS
from oms.services.protection.exchange_timers import KeepExchangeTimers
from oms.services.risk.market_session import calendar_health
from oms.services.submission.fire_deadman import FireDeadman
from oms.task_cancellation import cancel_all
from oms.wire.responses.deadman_rows import timer_row
from oms.worker.account_figures import AccountFigures
from oms.worker.continuity import RESTART_SECONDS_MAX, Continuity
from oms.worker.dispatch import CommandProcessor
from oms.worker.equity_schedule import ROUND_SECONDS, EquityScheduler
from oms.worker.housekeeping import HOUSEKEEPING_INTERVAL_SECONDS, Housekeeping
from oms.worker.lease_rounds import ROUND_SECONDS_MAX, LeaseRounds
from oms.worker.leases import HOUSEKEEPING_LEASE, LeaseKeeper
from oms.worker.loop_failures import LoopFailures
from oms.worker.mark_schedule import MarkScheduler
from oms.worker.reconcile_schedule import ReconcileScheduler
from oms.worker.wakeup_listener import POLL_FALLBACK_SECONDS, WakeupListener

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.25
DEADMAN_SECONDS = 1.0
STOP_SECONDS_MAX = 2.0


@dataclass(slots=True, kw_only=True)
class Worker:
    """One worker process."""

    name: str
    processor: CommandProcessor
    keeper: LeaseKeeper
    leases: Leases
    housekeeping: Housekeeping
    fire_deadman: FireDeadman
    notifier: Notifier
    #: Wakes the drain loop.
    listener: WakeupListener
    tick_seconds: float
    close: Callable[[], Awaitable[None]]
    #: Drop cached permissions, and cached switches and limits, that another process changed.
    access_changes: ChangeNotices
    switch_changes: ChangeNotices
    #: Loads what clients of exchanges need, while the leases of an ended worker are awaited.
    prepare: Callable[[], Awaitable[None]] | None = None
    #: Scheduled reconcile passes; ``None``: there are none.
    reconcile_scheduler: ReconcileScheduler | None = None
    #: Snapshots of equity; ``None``: there are none.
    equity_scheduler: EquityScheduler | None = None
    #: Prices of what accounts at exchanges hold; ``None``: they are not refreshed.
    mark_scheduler: MarkScheduler | None = None
    #: Timers of exchanges behind dead-man switches; ``None``: they are not set.
    exchange_timers: KeepExchangeTimers | None = None
    commands_done: int = 0
    _failures: LoopFailures = field(default_factory=LoopFailures)
    _figures: AccountFigures = field(default_factory=AccountFigures)
    _lease_rounds: LeaseRounds = field(default_factory=LeaseRounds)
    _new_leases: list[Lease] = field(default_factory=list)
    _is_careful: bool = False
    _has_disowned: bool = False
    _continuity: Continuity = field(default_factory=Continuity)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        loops = [
            asyncio.create_task(self._supervise("drain", self._drain_round, stop)),
            asyncio.create_task(self._supervise("leases", self._lease_round, stop)),
            asyncio.create_task(self._supervise("housekeeping", self._housekeeping_round, stop)),
            asyncio.create_task(self._supervise("deadman", self._deadman_round, stop)),
            asyncio.create_task(self._supervise("equity", self._equity_round, stop)),
            asyncio.create_task(self._supervise("access", self._access_round, stop)),
            asyncio.create_task(self._supervise("switches", self._switch_round, stop)),
            asyncio.create_task(self._supervise("limits", self._limits_round, stop)),
        ]
        if self.mark_scheduler is not None:
            loops.append(asyncio.create_task(self._supervise("marks", self._mark_round, stop)))
        if self.exchange_timers is not None:
            loops.append(asyncio.create_task(self._supervise("timers", self._timer_round, stop)))
        preparation = asyncio.create_task(self._prepare())
        await stop.wait()
        await cancel_all([preparation])
        await self.notifier.stop_listening()
        await asyncio.wait(loops, timeout=STOP_SECONDS_MAX)
        await self._shut_down()

    async def _supervise(
        self, name: str, run_round: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Run rounds until stopped; a failed round is logged, counted and repeated."""
        failing = False
        while not stop.is_set():
            try:
                await run_round(stop)
                failing = False
            except Unavailable as error:
                if not failing:
                    logger.warning("store_unavailable loop=%s message=%s", name, error.message)
                failing = True
                await _pause(stop, RETRY_SECONDS)
            except Exception:
                logger.exception("loop_failed loop=%s", name)
                self._failures.note(name)
                await _pause(stop, RETRY_SECONDS)

    async def _prepare(self) -> None:
        if self.prepare is None:
            return
        try:
            await self.prepare()
        except Exception:  # each account opens its client all the same
            logger.warning("exchanges_not_prepared", exc_info=True)

    async def _drain_round(self, stop: asyncio.Event) -> None:
        """Run rounds; after any error all account states are discarded."""
        try:
            await self._drain_on(stop)
        except Unavailable:
            await self.processor.evict_all()
            raise
        except Exception:
            await self.processor.evict_all()
            self._is_careful = True
            raise

    async def _drain_on(self, stop: asyncio.Event) -> None:
        new_leases, self._new_leases = self._new_leases, []
        await self.processor.load_leased_accounts(lease.account_id for lease in new_leases)
        done = await self._drain()
        next_poll_at = time.monotonic() + self.tick_seconds
        while not stop.is_set() and not self._new_leases:
            if not done:
                wait_seconds = max(next_poll_at - time.monotonic(), 0)
                is_polling = self.processor.needs_polling()
                await self.listener.wait(wait_seconds if is_polling else POLL_FALLBACK_SECONDS)
            done = await self._drain()
            if time.monotonic() >= next_poll_at:
                await self.processor.poll_market()
                if self.reconcile_scheduler is not None:
                    await self.reconcile_scheduler()
                next_poll_at = time.monotonic() + self.tick_seconds

    async def _drain(self) -> bool:
        """Run one round. Returns whether there may be more to do immediately."""
        await self.processor.poll_updates()
        rows = await self.processor.fetch_queued()
        if rows:
            done = await (
                self._run_carefully(rows) if self._is_careful else self.processor.run(rows)
            )
            self._is_careful = False
            self.commands_done += done
        # A single command is answered fastest if its commit is the only work.
        return self.processor.has_prefetched() or await self.processor.await_commits(self.listener)

    async def _run_carefully(self, rows: Sequence[CommandRow]) -> int:
        """Commit each command alone, so that one that raises an error fails alone."""
        for row in rows:
            try:
                await self.processor.run([row])
                await self.processor.await_all_commits()
            except Unavailable:
                raise
            except Exception:
                logger.exception("command_failed command_id=%d", row.id)
                await self.processor.fail(row)
        return len(rows)

    async def _lease_round(self, stop: asyncio.Event) -> None:
        held = set(self.keeper.held)
        try:
            new_leases = await self._keep_leases()
        except Unavailable:
            self._continuity.interrupt()
            raise
        if new_leases:
            self._new_leases.extend(new_leases)
            self.listener.notify()
        if held - self.keeper.held.keys():
            self.notifier.notify(Topic.LEASES)
        if not stop.is_set():
            # A worker that gives leases back notifies the others: they need not wait for a round.
            await self.notifier.wait(Topic.LEASES, self._lease_rounds.wait_seconds)

    async def _keep_leases(self) -> list[Lease]:
        """Send the heartbeat, keep the leases; returns the new ones. Raises ``Unavailable``."""
        if not self._has_disowned:
            await self.leases.release_all(self.name)  # The previous process of this name has ended.
            self._has_disowned = True
        if self._continuity.since is None:
            others = await self.leases.workers(self.keeper.seconds + RESTART_SECONDS_MAX)
            self._continuity.begin(self.processor.clock.now(), others)
        await self.leases.heartbeat(self.name, socket.gethostname(), self._status())
        seconds = self.keeper.seconds
        workers = await self.leases.workers(seconds + ROUND_SECONDS_MAX)
        self._lease_rounds.update(seconds, workers)
        return await self.keeper.round(self._lease_rounds.alive)

    async def _housekeeping_round(self, stop: asyncio.Event) -> None:
        if HOUSEKEEPING_LEASE in self.keeper.held:
            await self.housekeeping()
        await _pause(stop, HOUSEKEEPING_INTERVAL_SECONDS)

    async def _deadman_round(self, stop: asyncio.Event) -> None:
        if HOUSEKEEPING_LEASE not in self.keeper.held:
            self.fire_deadman.forget()
        else:
            await self.fire_deadman(self._continuity.since)
        await _pause(stop, DEADMAN_SECONDS)

    async def _equity_round(self, stop: asyncio.Event) -> None:
        if self.equity_scheduler is not None:
            await self.equity_scheduler()
        await _pause(stop, ROUND_SECONDS)

    async def _access_round(self, stop: asyncio.Event) -> None:
        await self.access_changes.follow_once()

    async def _switch_round(self, stop: asyncio.Event) -> None:
        await self.switch_changes.follow_once()

    async def _limits_round(self, stop: asyncio.Event) -> None:
        """Read the equity of accounts with limits again, so that no command waits for it."""
        if self.processor.read_equity is not None:
            await self.processor.read_equity.refresh(self.processor.clock.now())
        await _pause(stop, REREAD_AGE_SECONDS / 2)

    async def _mark_round(self, stop: asyncio.Event) -> None:
        if self.mark_scheduler is not None:
            await self.mark_scheduler()
            await _pause(stop, self.mark_scheduler.round_seconds)

    async def _timer_round(self, stop: asyncio.Event) -> None:
        if self.exchange_timers is not None:
            await self.exchange_timers(self.processor.states)
        await _pause(stop, DEADMAN_SECONDS)

    async def _shut_down(self) -> None:
        """Give the leases back so that another worker need not wait for their expiry."""
        try:
            await self.processor.await_all_commits()
            await self.leases.forget_worker(self.name)
            await self.keeper.release_all()
            self.notifier.notify(Topic.LEASES)
        except Unavailable as error:
            logger.warning("stopped_without_release message=%s", error.message)
        await self.notifier.close()
        await self.processor.evict_all()
        await self.listener.close()
        if self.exchange_timers is not None:
            await self.exchange_timers.close()
        if self.mark_scheduler is not None:
            await self.mark_scheduler.close()
        await self.close()

    def _stop_watch_age_seconds(self) -> float | None:
        """Return how long ago the stop levels of an account were compared with prices, at most.

        ``None``: no account has any.
        """
        processor = self.processor
        watched = [each.watched_at for each in processor.states.values() if each.armed]
        oldest = min(filter(None, watched), default=None)
        return None if oldest is None else (processor.clock.now() - oldest).total_seconds()

    def _status(self) -> str:
        """Return the status that the heartbeat carries."""
        accounts = len([i for i in self.keeper.held if i != HOUSEKEEPING_LEASE])
        states = self.processor.states.values()
        status: dict[str, object] = {
            "pid": os.getpid(),
            "accounts": accounts,
            "commands_done": self.commands_done,
            "stop_watch_age_s": self._stop_watch_age_seconds(),
            "calendar": calendar_health(states, self.processor.clock.now()),
            **self._continuity.status_fields(),
            **self._failures.status_fields(),
            **self.processor.activity.status_fields(),
            **self._figures.status_fields(states),
        }
        if self.mark_scheduler is not None:
            status["price_ages"] = dict(self.mark_scheduler.price_ages())
        if self.exchange_timers is not None:
            status["exchange_timers"] = list(map(timer_row, self.exchange_timers.timers.values()))
        return json.dumps(
            status
            | (
                dict(self.reconcile_scheduler.status_fields())
                if self.reconcile_scheduler is not None
                else {}
            )
        )


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait ``seconds``, or until the stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
