"""Snapshots of equity: what they hold, when they are taken, and that only the owner takes them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from kit.polling import poll_until
from oms.ports.leases import Lease
from oms.ports.performance.equity_snapshots import EquitySnapshot
from oms.worker.equity_schedule import EquityScheduler

if TYPE_CHECKING:
    from conftest import TradingGateway


class _ShiftedClock:
    """The system's clock and a shift."""

    def __init__(self) -> None:
        self.shift = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift


def _use_clock(scheduler: EquityScheduler) -> _ShiftedClock:
    clock = _ShiftedClock()
    scheduler.clock = clock
    scheduler.take.value_accounts = _evolved(scheduler, clock)
    return clock
