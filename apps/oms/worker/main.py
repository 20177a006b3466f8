"""The worker process: three loops side by side, watched; one that dies is seen and started anew.

drain   commands and the market: woken by the bell, at the latest every second
leases  renewal and fair share, three times a lease
chores  for the holder of lease 0

The loops share the homes, but only ``drain`` touches them.
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
from oms.worker.dispatch import CommandProcessor
from oms.worker.housekeeping import HOUSEKEEPING_INTERVAL_SECONDS, Housekeeping
from oms.worker.leases import HOUSEKEEPING_LEASE, LeaseKeeper
from oms.worker.reconcile_schedule import ReconcileScheduler
from oms.worker.wakeup_listener import POLL_FALLBACK_SECONDS, WakeupListener

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.25
STOP_SECONDS_MAX = 2.0


@dataclass(slots=True, kw_only=True)
class Worker:
    """One worker process."""

    name: str
    accounts: CommandProcessor
    keeper: LeaseKeeper
    leases: Leases
    housekeeping: Housekeeping
    bell: Notifier
    tick_seconds: float
    close: Callable[[], Awaitable[None]]
    #: Sweeps that nobody asked for; ``None``: there are none.
    reconcile_scheduler: ReconcileScheduler | None = None
    commands_done: int = 0
    _new: list[Lease] = field(default_factory=list)
    _careful: bool = False
    _is_heir: bool = False
    _ear: WakeupListener = field(init=False)

    def __post_init__(self) -> None:
        self._ear = WakeupListener(bell=self.bell)
        self.accounts.notify = self._ear.notify

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        loops = [
            asyncio.create_task(self._watched("drain", self._drain_round, stop)),
            asyncio.create_task(self._watched("leases", self._lease_round, stop)),
            asyncio.create_task(self._watched("chores", self._chores_round, stop)),
        ]
        await stop.wait()
        await self.bell.close()
        await asyncio.wait(loops, timeout=STOP_SECONDS_MAX)
        await self._leave()

    async def _watched(
        self, name: str, round_: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Run rounds until stopped; a failed round is told, counted and repeated."""
        failing = False
        while not stop.is_set():
            try:
                await round_(stop)
                failing = False
            except Unavailable as lost:
                if not failing:
                    logger.warning("store_unavailable loop=%s message=%s", name, lost.message)
                failing = True
                await _pause(stop, RETRY_SECONDS)
            except Exception:
                logger.exception("loop_failed loop=%s", name)
                await _pause(stop, RETRY_SECONDS)

    async def _drain_round(self, stop: asyncio.Event) -> None:
        """Rounds without end; whatever breaks one, no home in memory is believed after it."""
        try:
            await self._drain_on(stop)
        except Unavailable:
            await self.accounts.evict_all()
            raise
        except Exception:
            await self.accounts.evict_all()
            self._careful = True
            raise

    async def _drain_on(self, stop: asyncio.Event) -> None:
        new, self._new = self._new, []
        await self.accounts.load_leased_accounts(lease.account_id for lease in new)
        done = await self._drain()
        market_at = time.monotonic() + self.tick_seconds
        while not stop.is_set() and not self._new:
            if not done:
                patience = max(market_at - time.monotonic(), 0)
                awake = self.accounts.needs_polling()
                await self._ear.wait(patience if awake else POLL_FALLBACK_SECONDS)
            done = await self._drain()
            if time.monotonic() >= market_at:
                await self.accounts.poll_market()
                if self.reconcile_scheduler is not None:
                    await self.reconcile_scheduler(self.accounts.clock.now())
                market_at = time.monotonic() + self.tick_seconds

    async def _drain(self) -> bool:
        """One round; whether there may be more to do at once."""
        await self.accounts.poll_updates()
        rows = await self.accounts.take()
        if rows:
            done = await (self._run_carefully(rows) if self._careful else self.accounts.run(rows))
            self._careful = False
            self.commands_done += done
        # Who comes alone is answered soonest if his commit is all that goes on.
        return self.accounts.has_prefetched() or await self.accounts.await_commits(self._ear)

    async def _run_carefully(self, rows: Sequence[CommandRow]) -> int:
        """A commit for each command, so that one that breaks us fails alone."""
        for row in rows:
            try:
                await self.accounts.run([row])
                await self.accounts.await_all_commits()
            except Unavailable:
                raise
            except Exception:
                logger.exception("command_broken command_id=%d", row.id)
                await self.accounts.fail(row)
        return len(rows)

    async def _lease_round(self, stop: asyncio.Event) -> None:
        if not self._is_heir:
            await self.leases.release_all(self.name)  # a predecessor of this name is dead
            self._is_heir = True
        await self.leases.heartbeat(self.name, socket.gethostname(), self._status())
        alive = await self.leases.workers(self.keeper.seconds)
        new = await self.keeper.round(len(alive))
        if new:
            self._new.extend(new)
            self.bell.notify(Topic.COMMANDS)
        await _pause(stop, min(self.keeper.seconds / 3, 0.5))

    async def _chores_round(self, stop: asyncio.Event) -> None:
        if HOUSEKEEPING_LEASE in self.keeper.held:
            await self.housekeeping()
        await _pause(stop, HOUSEKEEPING_INTERVAL_SECONDS)

    async def _leave(self) -> None:
        """Give the leases back so that another worker needs not wait for their end."""
        try:
            await self.accounts.await_all_commits()
            await self.keeper.release_all()
            await self.leases.forget_worker(self.name)
        except Unavailable as lost:
            logger.warning("left_without_release message=%s", lost.message)
        await self.accounts.evict_all()
        await self._ear.close()
        await self.close()

    def _status(self) -> str:
        """What the worker tells of itself."""
        accounts = len([i for i in self.keeper.held if i != HOUSEKEEPING_LEASE])
        told: dict[str, object] = {
            "pid": os.getpid(),
            "accounts": accounts,
            "commands_done": self.commands_done,
        }
        return json.dumps(
            told
            | (
                dict(self.reconcile_scheduler.told())
                if self.reconcile_scheduler is not None
                else {}
            )
        )


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not past the stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
