"""The task of notifications: reads events, stores messages, and sends them.

Each sink is served by a coroutine of its own, so that a slow one delays no other; one process
holds the lease, so that each message is sent by one.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from oms.domain.errors import LeaseLost, Unavailable
from oms.domain.notifications.sink import Sink
from oms.ports.clock import Clock
from oms.ports.runner.notifications import DeliveryStore
from oms.runner.task_run import TaskRun
from oms.services.notifications.collect_messages import CollectMessages
from oms.services.notifications.send_messages import SendMessages

logger = logging.getLogger(__name__)

ROUND_SECONDS = 0.5
STOP_SECONDS_MAX = 1.5
TRIM_SECONDS = 60.0
TRIMMED_ROWS_MAX = 1000


@dataclass(slots=True, kw_only=True)
class Notifications:
    """``RunnerTask`` that sends messages of events to sinks."""

    deliveries: DeliveryStore
    collect: CollectMessages
    send: SendMessages
    clock: Clock
    #: Messages that ended are kept for so long.
    kept: timedelta
    name: str = "notifications"
    _senders: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)

    async def __call__(self, run: TaskRun) -> None:
        """Work until the stop; messages that are being sent then may end."""
        trimmed_at = -TRIM_SECONDS
        try:
            while not run.stop.is_set():
                sinks = await self.deliveries.active_sinks()
                has_more = False
                for sink in sinks:
                    has_more |= await self.collect(run.lease, sink)
                    run.show_progress()
                await self._start_senders(run, sinks)
                if run.monotonic() - trimmed_at > TRIM_SECONDS:
                    trimmed_at = run.monotonic()
                    await self._clean_up(run)
                run.show_progress()
                await run.pause(0.0 if has_more else ROUND_SECONDS)
        finally:
            await self._end_senders()

    async def _start_senders(self, run: TaskRun, sinks: Sequence[Sink]) -> None:
        """Serve each sink that has messages and is not being served. Raises what a sender did."""
        for sink_id, work in list(self._senders.items()):
            if work.done():
                del self._senders[sink_id]
                work.result()  # a lost lease, or a bug: the task is started again
        due = set(await self.deliveries.sinks_due(self.clock.now())) if sinks else set()
        for sink in sinks:
            if sink.id in due and sink.id not in self._senders:
                serve = self._serve(run, sink)
                self._senders[sink.id] = asyncio.create_task(serve, name=f"sink-{sink.id}")

    async def _serve(self, run: TaskRun, sink: Sink) -> None:
        try:
            await self.send(run.lease, sink, run.require_valid, run.stop.is_set)
        except Unavailable as error:
            logger.warning("store_unavailable loop=sink-%d message=%s", sink.id, error.message)

    async def _clean_up(self, run: TaskRun) -> None:
        now = self.clock.now()
        dead = await self.deliveries.expire(run.lease, now)
        if dead:
            logger.warning("notifications_expired count=%d", dead)
        await self.deliveries.trim(run.lease, now - self.kept, TRIMMED_ROWS_MAX)

    async def _end_senders(self) -> None:
        works, self._senders = set(self._senders.values()), {}
        if not works:
            return
        _, late = await asyncio.wait(works, timeout=STOP_SECONDS_MAX)
        for work in late:
            work.cancel()
        await asyncio.wait(works, timeout=STOP_SECONDS_MAX)
        for work in works:
            failure = None if work.cancelled() or not work.done() else work.exception()
            if failure is not None and not isinstance(failure, LeaseLost):
                logger.error("notification_sender_failed", exc_info=failure)
