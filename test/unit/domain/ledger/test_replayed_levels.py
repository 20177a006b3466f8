"""Stop levels of positions after replays: they follow the average price, late entries set them."""

from datetime import timedelta
from decimal import Decimal

from kit.builders import NOON, an_instrument
from kit.ledger.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.ledger.restatement import apply_reassignment
from oms.domain.protection.levels import Levels, PendingClose, StopKind
from oms.domain.value import evolve


def only_position(book: LedgerBook) -> Position:
    (position,) = book.positions.values()
    return position


def test_levels_in_percent_follow_the_average_price_of_a_late_entry() -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    buy = book.send("buy", Decimal(3), levels=Levels(stop_loss_pct=Decimal(10)))
    book.execute(buy.id, "t2", 1, 2)
    book.execute(buy.id, "t3", 1, 3)
    assert only_position(book).stop_loss == 90
    book.execute(buy.id, "t1", 1, 1, price=130)

    assert only_position(book).avg_price == 110
    assert only_position(book).stop_loss == 99
    assert apply_reassignment(book.history(), {}, book.next_id, NOON) == LedgerUpdate()


def test_a_late_entry_brings_the_levels_of_its_order() -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    first = book.send("buy", Decimal(2), stop_loss=Decimal(90))
    second = book.send("buy", Decimal(1), stop_loss=Decimal(95), stop_gain=Decimal(120))
    book.execute(first.id, "t1", 1, 1)
    book.execute(first.id, "t3", 1, 3)
    book.execute(second.id, "t2", 1, 2)

    position = only_position(book)
    assert (position.stop_loss, position.stop_gain) == (95, 120)


def test_a_further_part_of_an_order_keeps_levels_that_were_changed() -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    buy = book.send("buy", Decimal(2), stop_loss=Decimal(90), stop_gain=Decimal(120))
    book.execute(buy.id, "t1", 1, 1)
    before = only_position(book)
    book.positions[before.id] = evolve(before, stop_loss=Decimal(97), stop_gain=None)
    book.execute(buy.id, "t2", 1, 2)

    position = only_position(book)
    assert (position.qty, position.stop_loss, position.stop_gain) == (2, 97, None)


def test_an_order_that_flips_in_parts_brings_its_levels_once() -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    buy = book.send("buy", Decimal(1))
    sell = book.send("sell", Decimal(3), stop_loss=Decimal(110))
    book.execute(buy.id, "t1", 1, 1)
    book.execute(sell.id, "t2", 1, 2)
    assert not only_position(book).is_open
    book.execute(sell.id, "t3", 1, 3)
    (short,) = (each for each in book.positions.values() if each.is_open)
    assert (short.qty, short.stop_loss) == (-1, 110)
    book.positions[short.id] = evolve(short, stop_loss=Decimal(105))
    book.execute(sell.id, "t4", 1, 4)

    assert (book.positions[short.id].qty, book.positions[short.id].stop_loss) == (-2, 105)


def test_a_late_part_of_an_order_keeps_levels_that_were_changed() -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    buy = book.send("buy", Decimal(2), stop_loss=Decimal(90))
    book.execute(buy.id, "t2", 1, 2)
    before = only_position(book)
    book.positions[before.id] = evolve(before, stop_loss=Decimal(97))
    book.execute(buy.id, "t1", 1, 1)

    assert (only_position(book).qty, only_position(book).stop_loss) == (2, 97)


def test_a_replay_keeps_levels_that_were_changed() -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    buy = book.send("buy", Decimal(2), stop_loss=Decimal(90))
    book.execute(buy.id, "t1", 1, 1)
    book.execute(buy.id, "t2", 1, 2)
    before = only_position(book)
    book.positions[before.id] = evolve(before, stop_loss=Decimal(97))
    book.bust("t2", NOON + timedelta(seconds=9))

    assert (only_position(book).qty, only_position(book).stop_loss) == (1, 97)


def test_a_position_that_opens_again_names_closes_as_it_never_did() -> None:
    """The name of a system command contains the arming; a second one of a name is not stored."""
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    buy = book.send("buy", Decimal(1), stop_loss=Decimal(90))
    book.execute(buy.id, "t1", 1, 1)
    before = only_position(book)
    pending = PendingClose(kind=StopKind.LOSS, command_id=1)
    triggered = Levels(arming=2, pending_close=pending)
    book.positions[before.id] = evolve(before, levels=triggered, version=before.version + 3)
    sell = book.send("sell", Decimal(1))
    book.execute(sell.id, "t2", 1, 2, price=90)
    assert only_position(book).levels is None
    book.bust("t2", NOON + timedelta(seconds=9))

    position = only_position(book)
    assert position.is_open and position.stop_loss == 90
    assert position.levels is not None and position.levels.pending_close is None
    assert position.levels.arming > 2
    assert apply_reassignment(book.history(), {}, book.next_id, NOON) == LedgerUpdate()
