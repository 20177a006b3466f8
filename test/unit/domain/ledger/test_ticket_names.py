"""The positions that an order means by the ticket it names: those of the entries known then."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from kit.builders import NOON, a_spot_instrument, an_instrument
from kit.ledger.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument

SENT_AT = NOON + timedelta(seconds=10)
RECEIVED_AT = NOON + timedelta(seconds=20)


def a_book(instrument: Instrument) -> tuple[LedgerBook, int]:
    """A book with a short ticket of 1, and the id of the ticket."""
    book = LedgerBook(PositionMode.HEDGE, instrument)
    book.execute(send(book, "sell"), "t1", 1, 1)
    (ticket,) = book.positions
    return book, ticket


def send(book: LedgerBook, side: str, *, reduce_only: bool = False, ticket: int = 0) -> int:
    fields = book.ticket_fields(ticket)
    order = book.send(side, Decimal(1), created_at=SENT_AT, reduce_only=reduce_only, **fields)
    return order.id


def open_tickets(book: LedgerBook) -> list[tuple[str, str]]:
    """The side of each open ticket, and the trade that opened it."""
    entered = {deal.position_id: deal.exchange_trade_id for deal in reversed(book.deals)}
    return sorted((one.side.value, entered[one.id]) for one in book.open_positions())


@pytest.mark.parametrize("arrival", list(permutations((2, 3, 4))))
@pytest.mark.parametrize("is_first_named", [True, False])
@pytest.mark.parametrize("instrument", [an_instrument(), a_spot_instrument()])
def test_a_close_leaves_an_entry_that_was_not_known_when_it_was_sent(
    instrument: Instrument, is_first_named: bool, arrival: tuple[int, ...]
) -> None:
    """Two closes of one ticket were sent, and an entry that was executed between them.

    The entry may be received first, while the ticket is open.
    """
    book, ticket = a_book(instrument)
    first = send(book, "buy", reduce_only=True, ticket=ticket if is_first_named else 0)
    entry = send(book, "sell")
    second = send(book, "buy", reduce_only=True, ticket=ticket)
    orders = {2: first, 3: entry, 4: second}
    for number in arrival:
        book.execute(orders[number], f"t{number}", 1, number, received_at=RECEIVED_AT)

    assert not book.positions[ticket].is_open
    assert open_tickets(book) == [("buy", "t4"), ("sell", "t3")]


@pytest.mark.parametrize("arrival", list(permutations((2, 4))))
def test_a_close_goes_to_an_entry_that_was_known_when_it_was_sent(
    arrival: tuple[int, ...],
) -> None:
    """The ticket is closed by a late execution, which moves the entry to a ticket of its own."""
    book, ticket = a_book(an_instrument())
    first, entry = send(book, "buy", reduce_only=True, ticket=ticket), send(book, "sell")
    book.execute(entry, "t3", 1, 3)
    second = send(book, "buy", reduce_only=True, ticket=ticket)
    orders = {2: first, 4: second}
    for number in arrival:
        book.execute(orders[number], f"t{number}", 1, number, received_at=RECEIVED_AT)

    assert open_tickets(book) == []
    assert book.orders[second].position_id == next(i for i in book.positions if i != ticket)


def test_a_late_close_moves_an_open_close_of_the_same_ticket_to_the_entry_that_it_means() -> None:
    book, ticket = a_book(an_instrument())
    first, entry = send(book, "buy", reduce_only=True, ticket=ticket), send(book, "sell")
    before = send(book, "buy", reduce_only=True, ticket=ticket)
    book.execute(entry, "t3", 1, 3, received_at=RECEIVED_AT)
    after = book.send(
        "buy",
        Decimal(1),
        reduce_only=True,
        created_at=RECEIVED_AT + timedelta(seconds=1),
        **book.ticket_fields(ticket),
    ).id
    book.execute(first, "t2", 1, 2, received_at=RECEIVED_AT)

    (opened,) = book.open_positions()
    assert book.orders[before].position_id == ticket
    assert book.orders[after].position_id == opened.id
