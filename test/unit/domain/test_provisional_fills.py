"""Inferred executions and the actual ones that replace them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.builders import NOON, a_fill, an_instrument
from kit.ledger.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.value import evolve


def _execute(book: LedgerBook, order_id: int, qty: str, trade: str, second: int) -> LedgerUpdate:
    report = a_fill(qty, "100", order_id=order_id, trade=trade)
    assert report.execution is not None
    execution = evolve(
        report.execution,
        executed_at=NOON + timedelta(seconds=second),
        provisional=trade.startswith("inferred"),
    )
    return book.ingest(evolve(report, execution=execution))


def _open_tickets(book: LedgerBook) -> list[tuple[int, Decimal]]:
    return [(one.id, one.qty) for one in book.open_positions()]


def test_a_ticket_keeps_its_id_when_the_real_execution_comes() -> None:
    book = LedgerBook(PositionMode.HEDGE, an_instrument())
    order = book.send("buy", Decimal(3))
    (opened,) = _execute(book, order.id, "3", "inferred-1", 9).positions
    named = book.send("buy", Decimal(1), **book.ticket_fields(opened.id))

    _execute(book, order.id, "3", "real", 1)
    _execute(book, named.id, "1", "more", 10)

    assert [(one.id, one.qty) for one in book.positions.values()] == [(opened.id, 4)]
    assert [deal.provisional for deal in book.deals] == [False, False]


@pytest.mark.parametrize("same_order", [True, False])
def test_a_ticket_keeps_its_id_when_its_first_execution_is_busted(same_order: bool) -> None:
    """An inferred execution holds the ticket, of the same order or of one that names it."""
    book = LedgerBook(PositionMode.HEDGE, an_instrument())
    order = book.send("buy", Decimal(3))
    (opened,) = _execute(book, order.id, "1", "t1", 1).positions
    if not same_order:
        order = book.send("buy", Decimal(2), **book.ticket_fields(opened.id))
    _execute(book, order.id, "2", "inferred-1", 9)
    assert _open_tickets(book) == [(opened.id, 3)]

    book.bust("t1", NOON + timedelta(seconds=10))
    assert _open_tickets(book) == [(opened.id, 2)]

    update = _execute(book, order.id, "2", "real", 5)
    assert [deal.provisional for deal in update.deals_removed] == [True]
    assert _open_tickets(book) == [(opened.id, 2)]
    assert not any(deal.provisional for deal in book.deals)
    assert len(book.positions) == 1


def test_the_rest_of_an_inferred_execution_is_reported() -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    order = book.send("buy", Decimal(3))
    _execute(book, order.id, "3", "inferred-1", 9)

    update = _execute(book, order.id, "1", "real-1", 1)
    assert [(deal.qty, deal.provisional) for deal in update.deals_changed] == [(2, True)]
    assert [(deal.qty, deal.provisional) for deal in update.deals] == [(1, False)]

    update = _execute(book, order.id, "2", "real-2", 2)
    assert [(deal.qty, deal.provisional) for deal in update.deals_removed] == [(2, True)]
    assert [deal.qty for deal in book.deals] == [1, 2]
    assert book.orders[order.id].provisional_qty == 0
