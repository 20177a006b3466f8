"""Detects dead streams: nothing is received, or polling finds what a stream should have reported.

It only decides; ``AccountStreams`` disconnects and reconnects.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from oms.domain.orders.execution_report import ExecutionReport, ReportSource

#: Executions that polling found first, each late, before a stream counts as dead.
MISSED_FACTS_MAX = 2


class StreamWatchdog:
    """The watchdog of the streams of one account."""

    def __init__(self, *, silence_seconds: float, delay_seconds: float) -> None:
        self._silence = silence_seconds
        self._delay = timedelta(seconds=delay_seconds)
        self._since: datetime | None = None
        self._missed = 0

    def start(self, now: datetime) -> None:
        """Streams should report everything that happens from now on."""
        self._since, self._missed = now, 0

    def record_missed(self, times: Iterable[datetime], now: datetime) -> None:
        """Count executions at these times that polling found and no stream reported."""
        since = self._since
        if since is not None:
            self._missed += sum(1 for at in times if since < at < now - self._delay)

    def record_reports(self, reports: Iterable[ExecutionReport], now: datetime) -> None:
        """Count the executions among polled reports that no stream reported."""
        polled = [each.execution for each in reports if each.source is ReportSource.RECONCILE]
        fills = [each for each in polled if each is not None and not each.provisional]
        self.record_missed([each.executed_at for each in fills], now)

    def is_dead(self, silent_seconds: float, *, is_live: bool) -> bool:
        """Returns whether to reconnect; ``is_live``: there are open orders to report about."""
        return self._missed >= MISSED_FACTS_MAX or (is_live and silent_seconds > self._silence)
