"""Progress of running backtests for the sockets of a process that subscribed to research.

Twice a second the running backtests are read, and each listener is sent those that changed and that
it may see. Nothing is read without listeners. A slow listener gets the newest of each backtest.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oms.api.background_tasks import keep_running
from oms.domain.errors import Unavailable
from oms.ports.clock import Clock
from oms.ports.research.backtest_runs import BacktestStore, StoredBacktest
from oms.wire.backtests.run_rows import progress_row

INTERVAL_SECONDS = 0.5

logger = logging.getLogger(__name__)


class ProgressListener(Protocol):
    """Receives the progress of backtests."""

    def on_progress(self, user_id: int, run_id: int, payload: dict[str, object]) -> None:
        """Take the progress of a backtest of a user. Must neither raise nor block."""
        ...


@dataclass(slots=True, kw_only=True)
class BacktestProgressFeed:
    """The progress of backtests, read while it has listeners."""

    store: BacktestStore
    clock: Clock
    interval_seconds: float = INTERVAL_SECONDS
    _listeners: list[ProgressListener] = field(default_factory=list)
    #: What was sent last, by id.
    _sent: dict[int, tuple[str, int]] = field(default_factory=dict)
    _task: "asyncio.Task[None] | None" = None

    def join(self, listener: ProgressListener) -> None:
        """Send the progress to a listener until it leaves."""
        if listener not in self._listeners:
            self._listeners.append(listener)
        if self._task is None:
            self._task = asyncio.create_task(keep_running("backtest_progress", self._follow))

    def leave(self, listener: ProgressListener) -> None:
        """Send no more; without listeners nothing is read any more."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None
            self._sent.clear()

    async def _follow(self) -> None:
        while True:
            try:
                self._send(await self.store.active())
            except Unavailable as error:
                logger.warning("progress_read_retry", extra={"reason": error.message})
            await asyncio.sleep(self.interval_seconds)

    def _send(self, backtests: Sequence[StoredBacktest]) -> None:
        """Send what changed since the last time."""
        sent = {each.id: (each.status.value, each.done) for each in backtests}
        for each in backtests:
            if self._sent.get(each.id) != sent[each.id]:
                payload = self._payload(each)
                for listener in tuple(self._listeners):
                    listener.on_progress(each.order.user_id, each.id, payload)
        self._sent = sent

    def _payload(self, backtest: StoredBacktest) -> dict[str, object]:
        row = progress_row(backtest, self.clock.now())
        return {
            "account_id": 0,
            "run_id": backtest.id,
            "kind": backtest.order.kind.value,
            "status": backtest.status.value,
            "done": row["done"],
            "total": row["total"],
            "rate": row["rate"],
            "eta_s": row["eta_s"],
        }
