"""Matched profit and break-even prices, against hand-computed figures."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON, a_report, a_spot_instrument, an_instrument
from kit.ledger.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import FeeRate
from oms.domain.ledger.matched_view import MatchedView, matched_views, simple_view
from oms.domain.orders.execution_report import Execution, ReportKind

LINEAR = an_instrument()
INVERSE = an_instrument(
    symbol="BTC/USD:BTC",
    kind=InstrumentKind.INVERSE,
    quote="USD",
    settle="BTC",
    contract_size=Decimal(100),
)
BNB = FeeRate(rate=Decimal(600), source="BNB/USDT", at=NOON)


class Trades:
    """A book whose executions are one second apart."""

    def __init__(self, instrument: Instrument = LINEAR, mode: Any = PositionMode.NETTING) -> None:
        self.book = LedgerBook(mode, instrument)
        self.count = 0

    def __call__(
        self, side: str, qty: str, price: str, fee: str | None, currency: str = "", **order: Any
    ) -> int:
        """Execute an order; returns its position."""
        self.count += 1
        sent = self.book.send(side, Decimal(qty), **order)
        execution = Execution(
            exchange_trade_id=f"t{self.count}",
            qty=Decimal(qty),
            price=Decimal(price),
            executed_at=NOON + timedelta(seconds=self.count),
            fee=None if fee is None else Decimal(fee),
            fee_currency=None if fee is None else currency or self.book.instrument.settle,
        )
        report = a_report(ReportKind.EXECUTION, order_id=sent.id, execution=execution)
        self.book.ingest(report)
        return self.book.orders[sent.id].position_id

    def view(self, position_id: int) -> MatchedView:
        """The view of a position; the one without deals, if there is one, is the same."""
        book = self.book
        view = matched_views(list(book.positions.values()), book.deals, book.instrument)[
            position_id
        ]
        assert simple_view(book.positions[position_id], book.instrument) in (None, view)
        return view


def figures(view: MatchedView) -> tuple[Decimal | None, ...]:
    return view.fees, view.profit, view.break_even


def exact(*texts: str | None) -> tuple[Decimal | None, ...]:
    return tuple(None if text is None else Decimal(text) for text in texts)


def test_fees_of_entries_are_released_with_what_is_closed() -> None:
    """Of a fee of 2, 0.8 with 4 of 10; a later entry adds its fee to what is left."""
    trade = Trades()
    position = trade("buy", "10", "100", "2")
    assert figures(trade.view(position)) == exact("2", "0", "100.2")
    trade("sell", "4", "110", "1")
    assert figures(trade.view(position)) == exact("3", "38.2", "100.2")
    trade("buy", "2", "108", "0.3")
    assert figures(trade.view(position)) == exact("3.3", "38.2", "102.1875")
    trade("sell", "8", "100", "0.5")
    closed = trade.book.positions[position]
    assert figures(trade.view(position)) == exact("3.8", "20.2", None)
    assert closed.realized_pnl == Decimal("20.2")


def test_a_rebate_of_the_exit_does_not_hide_the_fee_of_the_entry() -> None:
    """Both sum up to nothing, but 0.6 of the entry is not charged yet."""
    trade = Trades()
    position = trade("buy", "10", "100", "1")
    trade("sell", "4", "110", "-1")
    assert figures(trade.view(position)) == exact("0", "40.6", "100.1")


def test_a_short_position_breaks_even_below_its_average() -> None:
    trade = Trades()
    position = trade("sell", "2", "100", "1")
    assert figures(trade.view(position)) == exact("1", "0", "99.5")


def test_an_inverse_position_breaks_even_in_value_space() -> None:
    """10 of 100 USD at 50,000 cost 0.02 BTC, and 0.0001: 1,000/(0.02 − 0.0001) USD."""
    trade = Trades(INVERSE)
    position = trade("buy", "10", "50000", "0.0001")
    assert figures(trade.view(position)) == exact("0.0001", "0", "50251.256281407035175879")


def test_a_fee_in_coins_is_a_cost_of_what_is_left() -> None:
    """Paid 100 for 0.999 coins."""
    trade = Trades(a_spot_instrument())
    position = trade("buy", "1", "100", "0.001", "BTC")
    assert figures(trade.view(position)) == exact("0.1", "0", "100.1001001001001001")


def test_fees_in_a_third_currency_count_at_their_rate() -> None:
    trade = Trades()
    trade.book.rates["BNB"] = BNB
    position = trade("buy", "10", "100", "0.01", "BNB")
    assert figures(trade.view(position)) == exact("6", "0", "100.6")
    trade("sell", "5", "101", "0.005", "BNB")
    assert figures(trade.view(position)) == exact("9", "-1", "100.6")
    assert trade.book.positions[position].realized_pnl == 5


def test_without_a_rate_the_figures_are_not_known() -> None:
    trade = Trades()
    position = trade("buy", "10", "100", "1")
    trade("sell", "5", "101", "0.005", "BNB")
    exit_unknown = trade.view(position)
    assert figures(exit_unknown) == exact(None, None, "100.1")
    assert exit_unknown.unvalued_fees == {"BNB": Decimal("0.005")}
    trade("buy", "5", "100", "0.002", "BNB")
    entry_unknown = trade.view(position)
    assert figures(entry_unknown) == exact(None, None, None)
    assert entry_unknown.unvalued_fees == {"BNB": Decimal("0.007")}


@pytest.mark.parametrize("side", ["entry", "exit"])
def test_a_late_fee_counts_with_its_trade(side: str) -> None:
    """Reported after the exit, a fee of the entry is released by half all the same."""
    trade = Trades()
    position = trade("buy", "2", "100", None)
    trade("sell", "1", "110", None)
    trade.book.commission("t1" if side == "entry" else "t2", Decimal("0.4"), "USDT")
    expected = ("0.4", "9.8", "100.2") if side == "entry" else ("0.4", "9.6", "100")
    assert figures(trade.view(position)) == exact(*expected)


def test_fees_of_entries_move_with_merged_quantity() -> None:
    trade = Trades(mode=PositionMode.HEDGE)
    source = trade("buy", "1", "100", "1", new_position=True)
    target = trade("buy", "3", "100", "1", new_position=True)
    trade.book.merge(source, target, 1, NOON + timedelta(seconds=9))
    assert figures(trade.view(source)) == exact("1", "0", None)
    assert figures(trade.view(target)) == exact("1", "0", "100.5")
    trade.count += 10
    fields = trade.book.ticket_fields(target)
    trade("sell", "4", "101", None, reduce_only=True, **fields)
    assert figures(trade.view(target)) == exact("1", "2", None)


def test_a_busted_execution_costs_nothing() -> None:
    trade = Trades()
    position = trade("buy", "2", "100", "1")
    trade("buy", "2", "102", "3")
    trade.book.bust("t2", NOON + timedelta(seconds=9))
    assert figures(trade.view(position)) == exact("1", "0", "100.5")


def test_a_late_fee_of_a_busted_execution_is_released_as_those_of_entries() -> None:
    trade = Trades()
    position = trade("buy", "2", "100", "1")
    trade("buy", "2", "102", None)
    trade.book.commission("t2", Decimal("0.4"), "USDT")
    trade.book.bust("t2", NOON + timedelta(seconds=9))
    assert figures(trade.view(position)) == exact("1.4", "0", "100.7")
    trade.count += 10
    trade("sell", "1", "110", None)
    assert figures(trade.view(position)) == exact("1.4", "9.3", "100.7")
    trade("sell", "1", "110", None)
    assert figures(trade.view(position)) == exact("1.4", "18.6", None)


def test_the_late_fee_of_the_only_execution_is_charged_after_its_bust() -> None:
    trade = Trades()
    position = trade("buy", "2", "100", None)
    trade.book.commission("t1", Decimal("0.4"), "USDT")
    trade.book.bust("t1", NOON + timedelta(seconds=9))
    assert figures(trade.view(position)) == exact("0.4", "-0.4", None)


def test_no_price_above_zero_breaks_even() -> None:
    trade = Trades()
    position = trade("sell", "1", "100", "150")
    assert figures(trade.view(position)) == exact("150", "0", None)
