"""The worked examples of ``anchors/ledger.txt`` against the pure ledger."""

from decimal import Decimal
from typing import assert_never

import pytest

from kit.anchors import Example, Expectation, Step, examples
from kit.builders import a_spot_instrument, an_instrument
from kit.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.deal import Deal
from oms.domain.money import plain
from oms.domain.position import Position


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"example-{example.number}")
def test_worked_example(example: Example) -> None:
    run = _Run(example)
    for line in example.lines:
        match line:
            case Step():
                run.trade(line)
            case Expectation():
                run.check(*line.words)
            case _:
                assert_never(line)
    assert run.checked, "an example expects something"


class _Run:
    def __init__(self, example: Example) -> None:
        is_spot = ":" not in example.symbol
        self.example = example
        self.book = LedgerBook(
            PositionMode(example.mode), a_spot_instrument() if is_spot else an_instrument()
        )
        self.named: dict[str, int] = {}
        self.last_deals: tuple[Deal, ...] = ()
        self.checked = 0

    def trade(self, step: Step) -> None:
        ticket = self.named[step.ticket] if step.ticket else 0
        order = self.book.send(
            step.side, step.qty, strategy_id=step.strategy_id, position_id=ticket
        )
        rate = self.example.maker if step.maker else self.example.taker
        entry = self.book.fill(order.id, step.qty, step.price, rate)
        self.last_deals = entry.deals
        if step.name:
            self.named[step.name] = entry.deals[-1].position_id

    def check(self, what: str, *words: str) -> None:
        self.checked += 1
        match what:
            case "flat":
                assert self.book.open_positions() == []
            case "profit":
                profit = sum((deal.profit for deal in self.last_deals), Decimal(0))
                assert plain(profit) == words[0]
            case "fees":
                told = tuple(plain(deal.fee or Decimal(0)) for deal in self.last_deals)
                assert told == words
            case "realized":
                realized = (p.realized_pnl for p in self.book.positions.values())
                assert plain(sum(realized, Decimal(0))) == words[0]
            case "chained":
                last = self._position("last")
                assert last.previous_position_id is not None
                before = self.book.positions[last.previous_position_id]
                assert last.id != before.id
                assert last.identifier == before.identifier
            case name:
                self._check_position(self._position(name), *words)

    def _check_position(
        self, position: Position, state: str, side: str, qty: str, avg: str, price: str
    ) -> None:
        assert avg == "avg"
        assert position.state.value == state
        assert position.side.value == side
        assert plain(position.qty.copy_abs()) == qty
        assert plain(position.avg_price) == price

    def _position(self, name: str) -> Position:
        number = self.last_deals[-1].position_id if name == "last" else self.named[name]
        return self.book.positions[number]
