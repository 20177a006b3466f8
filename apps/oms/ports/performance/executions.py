"""Reads of how orders were executed."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.performance.execution_quality import Execution
from oms.ports.history_reads import HistoryQuery


class Executions(Protocol):
    """Executions of orders; filters are those of ``HistoryQuery``."""

    async def of_orders(self, window: HistoryQuery, limit: int) -> Sequence[Execution]:
        """Return the executions of orders, at most ``limit``, the newest first.

        Times are those of the last change of the order. Raises ``Unavailable``.
        """
        ...
