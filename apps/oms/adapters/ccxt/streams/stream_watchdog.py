"""Whether a stream that seems to stand is dead: nothing comes, or readings know more than it told.

It judges; closing and dialling are the streams' matter.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from oms.domain.orders.execution_report import ExecutionReport, ReportSource

#: So many times that a reading found first, each older than this, and the stream is not believed.
MISSED_FACTS_MAX = 2


class StreamWatchdog:
    """Of the streams of one account; ``silence`` and ``late`` in seconds."""

    def __init__(self, *, silence_seconds: float, delay_seconds: float) -> None:
        self._silence = silence_seconds
        self._delay = timedelta(seconds=delay_seconds)
        self._since: datetime | None = None
        self._missed = 0

    def start(self, now: datetime) -> None:
        """What happens from now on should be told by the streams."""
        self._since, self._missed = now, 0

    def record_missed(self, times: Iterable[datetime], now: datetime) -> None:
        """A reading found times of these times that no stream had told."""
        since = self._since
        if since is not None:
            self._missed += sum(1 for at in times if since < at < now - self._delay)

    def record_reports(self, reports: Iterable[ExecutionReport], now: datetime) -> None:
        """Counts executions that polling found before a stream reported them."""
        polled = [each.execution for each in reports if each.source is ReportSource.RECONCILE]
        fills = [each for each in polled if each is not None and not each.provisional]
        self.record_missed([each.executed_at for each in fills], now)

    def is_dead(self, silent_seconds: float, *, is_live: bool) -> bool:
        """Whether to dial anew; ``is_live``: there are orders that it could tell of."""
        return self._missed >= MISSED_FACTS_MAX or (is_live and silent_seconds > self._silence)
