"""A replay takes no more ids than were reserved for it."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON, a_fill, an_instrument
from kit.ledger.ledger_book import LedgerBook
from kit.ledger.memory_account import MemoryIds
from oms.domain.account import PositionMode
from oms.domain.ids import IdKind
from oms.domain.ledger.restatement import apply_late_fills
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.value import evolve
from oms.services.ledger.replay_ids import reserve_replay_ids

PAYMENTS, TICKETS = 200, 3


class ReservedIds(MemoryIds):
    """Counts the ids that were reserved, and those that were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.reserved: Counter[IdKind] = Counter()
        self.taken: Counter[IdKind] = Counter()

    async def ensure(self, kind: IdKind, count: int) -> None:
        """Counts what is reserved."""
        self.reserved[kind] += count

    def reserve_range(self, kind: IdKind, count: int) -> int:
        """Returns ids that no book of the test has."""
        self.taken[kind] += count
        return 1_000_000 + super().reserve_range(kind, count)


def _fill(order_id: int, name: str, minutes: int) -> ExecutionReport:
    fill = a_fill("1", "100", order_id=order_id, trade=name)
    assert fill.execution is not None
    at = NOON + timedelta(minutes=minutes)
    return evolve(fill, execution=evolve(fill.execution, executed_at=at))


@pytest.mark.parametrize("mode", list(PositionMode))
async def test_late_fills_before_many_payments(mode: PositionMode) -> None:
    book = LedgerBook(mode, an_instrument())
    is_hedge = mode is PositionMode.HEDGE
    orders = [
        book.send("buy", Decimal(1), strategy_id=number, new_position=is_hedge)
        for number in range(TICKETS + 1)
    ]
    book.ingest(_fill(orders[0].id, "first", minutes=0))
    for number in range(PAYMENTS):
        due = NOON + timedelta(hours=1 + number)
        book.funding(Decimal(-6), due, f"f{number}")
    late = [_fill(each.id, f"t{each.id}", minutes=each.id) for each in orders[1:]]
    history, ids = book.history(), ReservedIds()
    await reserve_replay_ids(ids, history, len(late))
    placed = {report.order_id: book.orders[report.order_id] for report in late}
    update = apply_late_fills(history, placed, late, ids)
    further = [deal for deal in update.deals if deal.exchange_trade_id.startswith("funding:")]
    # One position of the symbol receives everything, or each ticket or strategy its part.
    assert len(further) == (0 if mode is PositionMode.NETTING else PAYMENTS * TICKETS)
    assert all(ids.taken[kind] <= ids.reserved[kind] for kind in ids.taken), (
        ids.taken,
        ids.reserved,
    )
