"""Executions with equal time are ordered by the exchange's sequence."""

from decimal import Decimal
from itertools import permutations

import pytest

from kit.builders import a_fill, a_spot_instrument, an_instrument, an_order
from kit.databases.store_rows import a_position
from kit.ledger.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument
from oms.domain.ledger.book import needs_history
from oms.domain.ledger.booking import merge_legs
from oms.domain.side import Side
from oms.domain.value import evolve

#: Trade id, side, quantity, price, in the exchange's order; ids are in the opposite order.
_EXECUTIONS = (("c", "buy", "3", "100"), ("b", "sell", "2", "110"), ("a", "sell", "2", "120"))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_they_are_booked_by_sequence_in_any_order_of_arrival(
    order: tuple[int, ...],
) -> None:
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    for number in order:
        trade, side, qty, price = _EXECUTIONS[number]
        sent = book.send(side, Decimal(qty))
        report = a_fill(qty, price, order_id=sent.id, trade=trade)
        assert report.execution is not None
        execution = evolve(report.execution, sequence=number + 1)
        book.ingest(evolve(report, execution=execution))

    ((side, qty, entry),) = [(p.side, p.qty, p.avg_price) for p in book.open_positions()]
    assert (side, qty, entry) == ("sell", -1, 120), "bought first, sold over flat at 120"
    assert sum(deal.profit for deal in book.deals) == 2 * 10 + 20


def test_the_legs_of_an_execution_merge_to_it() -> None:
    """Also for an execution that flips a position: its legs keep their order when booked again."""
    book = LedgerBook(PositionMode.NETTING, an_instrument())
    for number, (trade, side, qty, price) in enumerate(_EXECUTIONS, start=1):
        sent = book.send(side, Decimal(qty))
        report = a_fill(qty, price, order_id=sent.id, trade=trade, fee="0.3")
        assert report.execution is not None
        execution = evolve(report.execution, sequence=number)
        book.ingest(evolve(report, execution=execution))
    legs = [deal for deal in book.deals if deal.exchange_trade_id == "a"]
    assert len(legs) == 2, "it closed one and opened another"
    assert merge_legs(legs) == execution


@pytest.mark.parametrize(
    ("instrument", "is_needed"), [(an_instrument(), False), (a_spot_instrument(), True)]
)
def test_only_coins_are_sold_for_other_strategies(instrument: Instrument, is_needed: bool) -> None:
    """Tickets of a strategy do not matter to a reduction of contracts that was made elsewhere."""
    order = an_order(symbol=instrument.symbol, side=Side.SELL, reduce_only=True, command_id=None)
    order = evolve(order, reason="external")
    tickets = [a_position(i, 1, symbol=instrument.symbol, strategy_id=1) for i in (1, 2)]
    mode, report = PositionMode.HEDGE, a_fill("1", "100")
    needed = needs_history(mode, instrument, order, report, None, [], tickets)
    assert needed is is_needed
