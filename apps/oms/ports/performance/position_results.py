"""Reads of the results of positions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.value import value
from oms.ports.history_reads import HistoryQuery


@value
class PositionResult:
    """The booked result of a closed position."""

    id: int
    account_id: int
    strategy_id: int
    symbol: str
    #: Gross.
    profit: Decimal
    funding: Decimal
    #: Profit less fees in the settle currency, with funding.
    realized_pnl: Decimal
    close_reason: str | None
    closed_at: datetime


OpenCounts = Mapping[tuple[int, int, str], int]
"""Open positions by account, strategy and symbol."""


class PositionResults(Protocol):
    """Results of positions; filters are those of ``HistoryQuery``, times those of the closing."""

    async def closed(self, window: HistoryQuery, limit: int) -> Sequence[PositionResult]:
        """Return results of closed positions, at most ``limit``. Raises ``Unavailable``.

        A position that was merged into another has none: it goes on there.
        """
        ...

    async def open_counts(self, window: HistoryQuery) -> OpenCounts:
        """Return how many positions are open; times do not matter. Raises ``Unavailable``."""
        ...
