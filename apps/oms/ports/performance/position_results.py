"""Reads of the results of positions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.money import subtract
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
    #: Fees that ``realized_pnl`` has not, at the rates stored with their deals.
    other_fees: Decimal
    #: Source of the signal whose order opened it; 0: of none, or not read.
    source_id: int
    close_reason: str | None
    closed_at: datetime

    @property
    def net(self) -> Decimal:
        """Return the result less all fees, in the settle currency."""
        return subtract(self.realized_pnl, self.other_fees)


OpenCounts = Mapping[tuple[int, int, str, int], int]
"""Open positions by account, strategy, symbol and source (0: none, or not read)."""


class PositionResults(Protocol):
    """Results of positions; filters are those of ``HistoryQuery``, times those of the closing.

    Sources of signals are read ``with_sources`` only, or where one is a filter (0: none).
    """

    async def closed(
        self, window: HistoryQuery, limit: int, *, with_sources: bool = False
    ) -> Sequence[PositionResult]:
        """Return results of closed positions, at most ``limit``. Raises ``Unavailable``.

        A position that was merged into another has none: it goes on there.
        """
        ...

    async def open_counts(self, window: HistoryQuery, *, with_sources: bool = False) -> OpenCounts:
        """Return how many positions are open; times do not matter. Raises ``Unavailable``."""
        ...
