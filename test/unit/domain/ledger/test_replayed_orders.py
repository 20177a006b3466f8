"""The position of an order without executions, after replays that divide the position it names."""

from datetime import timedelta
from decimal import Decimal

from kit.builders import NOON, an_instrument
from kit.ledger.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.restatement import apply_reassignment


def open_close_order(book: LedgerBook, position_id: int) -> int:
    fields = book.ticket_fields(position_id)
    return book.send("sell", Decimal(1), reduce_only=True, **fields).id


def replay(book: LedgerBook) -> LedgerUpdate:
    return apply_reassignment(book.history(), {}, book.next_id, NOON)


def test_a_late_flip_leaves_the_order_at_the_position_that_it_names() -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    buy, sell = book.send("buy", Decimal(9)), book.send("sell", Decimal(2))
    book.execute(buy.id, "t3", 8, 3)
    (named,) = book.positions
    close = open_close_order(book, named)
    book.execute(buy.id, "t0", 1, 0)
    book.execute(sell.id, "t1", 2, 1)

    assert not book.positions[named].is_open
    assert book.orders[close].position_id == named
    assert replay(book) == LedgerUpdate()


def test_a_bust_leaves_the_order_at_the_position_that_it_names() -> None:
    """Without the second purchase the sale empties the position, and a new one follows."""
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    buy, sell = book.send("buy", Decimal(3)), book.send("sell", Decimal(1))
    book.execute(buy.id, "t0", 1, 0)
    book.execute(buy.id, "t1", 1, 1)
    book.execute(sell.id, "t2", 1, 2)
    book.execute(buy.id, "t3", 1, 3)
    (named,) = book.positions
    close = open_close_order(book, named)
    book.bust("t1", NOON + timedelta(seconds=9))

    assert [one.qty for one in book.positions.values()] == [0, 1]
    assert book.orders[close].position_id == named
    assert replay(book) == LedgerUpdate()
