"""Late executions booked by one replay equal those booked one by one."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON, a_fill, an_instrument
from kit.ledger.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.restatement import apply_late_fills
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.value import evolve

ORDERS, OPENING_ORDERS, FILLS = 6, 4, 24
ORDER_QTY = 12
ALERTS = {"order_over_filled", "position_over_closed"}


def _history(seed: int, mode: PositionMode) -> tuple[LedgerBook, list[ExecutionReport]]:
    """Return a book with the newer half of some executions, and the late ones."""
    chance, book = random.Random(seed), LedgerBook(mode, an_instrument())
    orders = [
        book.send(
            chance.choice(["buy", "sell"]),
            Decimal(ORDER_QTY),
            strategy_id=chance.randint(0, 1),
            new_position=mode is PositionMode.HEDGE and chance.random() < 0.5,
            reduce_only=mode is PositionMode.HEDGE and number >= OPENING_ORDERS,
        )
        for number in range(ORDERS)
    ]
    fills = []
    for number in range(FILLS):
        fill = a_fill(
            Decimal(chance.randint(1, 4)),
            Decimal(chance.randint(90, 110)),
            order_id=chance.choice(orders).id,
            trade=f"t{number}",
            fee=Decimal("0.01"),
            fee_currency="USDT",
        )
        assert fill.execution is not None
        at = NOON + timedelta(minutes=number)
        fills.append(evolve(fill, execution=evolve(fill.execution, executed_at=at)))
    late = sorted(chance.sample(range(FILLS - 1), FILLS // 2))
    for number in range(FILLS):
        if number not in late:
            book.ingest(fills[number])
    return book, [fills[number] for number in late]


def _near(amount: Decimal) -> Decimal:
    return round(amount, 15)


def _state_of(book: LedgerBook) -> tuple[object, ...]:
    """Return the book with positions by their first trade, independent of ids.

    The number of legs of an execution (each is rounded) and row versions are ignored.
    """
    trades = [deal for deal in book.deals if deal.position_id]
    first: dict[int, str] = {}
    for deal in sorted(trades, key=lambda each: (each.executed_at, each.leg)):
        first.setdefault(deal.position_id, f"{deal.exchange_trade_id}:{deal.entry}")
    deals: Counter[tuple[str, str, str]] = Counter()
    for deal in trades:
        deals[deal.exchange_trade_id, first[deal.position_id], deal.entry] += deal.qty
    positions = {
        (first[p.id], p.qty, _near(p.profit), _near(p.realized_pnl), p.qty_opened, p.state)
        for p in book.positions.values()
        if p.id in first
    }
    orders = {(o.id, o.filled_qty, o.state) for o in book.orders.values()}
    return deals, positions, orders


def _catch_up(book: LedgerBook, reports: Sequence[ExecutionReport]) -> LedgerUpdate:
    orders = {report.order_id: book.orders[report.order_id] for report in reports}
    return book._keep(apply_late_fills(book.history(), orders, reports, book.next_id))


def _alerts(updates: Sequence[LedgerUpdate]) -> Counter[tuple[str, object]]:
    """Return the events about single executions, by name and trade.

    A replay emits the others once, about all of its positions and new deals.
    """
    events = [event for update in updates for event in update.events if event.name in ALERTS]
    return Counter((event.name, event.facts["exchange_trade_id"]) for event in events)


@pytest.mark.parametrize("mode", list(PositionMode))
def test_one_replay_equals_many(mode: PositionMode) -> None:
    alerts: Counter[tuple[str, object]] = Counter()
    for seed in range(40):
        singly, late = _history(seed, mode)
        together, _ = _history(seed, mode)
        updates = [singly.ingest(report) for report in late]
        update = _catch_up(together, late)
        assert _state_of(together) == _state_of(singly), f"seed {seed}"
        alerts += _alerts(updates)
        assert _alerts([update]) == _alerts(updates), f"seed {seed}"
        for order_id in {report.order_id for report in late}:
            position_id = together.orders[order_id].position_id
            assert position_id in together.positions, f"seed {seed}, order {order_id}"
    names = {name for name, _ in alerts}
    assert names == (ALERTS if mode is PositionMode.HEDGE else ALERTS - {"position_over_closed"})
