"""The worked examples of ``anchors/ledger.txt`` against the pure ledger."""

from decimal import Decimal

import pytest

from kit.builders import NOON, a_spot_instrument, an_instrument
from kit.ledger.ledger_book import LedgerBook
from kit.ledger.worked_examples import (
    ExampleCloseBy,
    ExampleOrder,
    WorkedExample,
    load_examples,
    parse_expected_position,
    play,
)
from oms.domain.account import Account, Environment, PositionMode
from oms.domain.commands.command import SendOrder
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.money import decimal_text
from oms.domain.orders.order import Side
from oms.domain.risk.admission import RiskContext, admit_send

NUMBERS = [str(number) for number in range(1, 12)]


def test_no_example_is_missing() -> None:
    assert [example.number for example in load_examples()] == NUMBERS


@pytest.mark.parametrize(
    "example", load_examples(), ids=lambda example: f"example-{example.number}"
)
def test_worked_example(example: WorkedExample) -> None:
    run = _Run(example)
    play(example.lines, run)


class _Run:
    def __init__(self, example: WorkedExample) -> None:
        self.example = example
        self.book = LedgerBook(PositionMode(example.mode), _instrument(example))
        self.named: dict[str, int] = {}
        self.last_deals: tuple[Deal, ...] = ()
        self.checked = 0

    def trade(self, step: ExampleOrder) -> None:
        ticket = self.named[step.ticket] if step.ticket else 0
        if step.refused is not None:
            self._refuse(step, ticket)
            return
        order = self.book.send(
            step.side,
            step.qty,
            strategy_id=step.strategy_id,
            reconciled=not step.external,
            **self.book.ticket_fields(ticket),
        )
        rate = self.example.maker if step.maker else self.example.taker
        entry = self.book.fill(order.id, step.qty, step.price, rate)
        self.last_deals = entry.deals
        assert step.external is any(event.name == "position_over_closed" for event in entry.events)
        if step.name:
            self.named[step.name] = entry.deals[-1].position_id

    def close_by(self, step: ExampleCloseBy) -> None:
        a, b = self.named[step.a], self.named[step.b]
        self.last_deals = self.book.close_by(a, b, step.qty, 77, NOON).deals
        assert [deal.entry.value for deal in self.last_deals] == ["out_by", "out_by"]
        assert [deal.position_id for deal in self.last_deals] == [a, b]

    def check(self, what: str, *expected: str) -> None:
        self.checked += 1
        match what:
            case "flat":
                assert self.book.open_positions() == []
            case "profit":
                profits = [deal.profit for deal in self.last_deals]
                actual = profits if len(expected) > 1 else [sum(profits, Decimal(0))]
                assert tuple(map(decimal_text, actual)) == expected
            case "fees":
                actual = [deal.fee or Decimal(0) for deal in self.last_deals]
                assert tuple(map(decimal_text, actual)) == expected
            case "realized":
                realized = (p.realized_pnl for p in self.book.positions.values())
                assert decimal_text(sum(realized, Decimal(0))) == expected[0]
            case "chained":
                last = self._position("last")
                assert last.previous_position_id is not None
                before = self.book.positions[last.previous_position_id]
                assert last.id != before.id
                assert last.identifier == before.identifier
            case "unchained":
                last = self._position("last")
                assert (last.identifier, last.previous_position_id) == (last.id, None)
            case name:
                self._check_position(self._position(name), *expected)

    def _check_position(self, position: Position, *expected: str) -> None:
        wanted = parse_expected_position(expected)
        assert position.state.value == wanted.state
        assert position.side.value == wanted.side
        assert decimal_text(position.qty.copy_abs()) == wanted.qty
        assert decimal_text(position.avg_price) == wanted.avg
        if wanted.profit is not None:
            assert decimal_text(position.profit) == wanted.profit
        if wanted.fee is not None:
            assert decimal_text(position.fees["USDT"]) == wanted.fee

    def _position(self, name: str) -> Position:
        number = self.last_deals[-1].position_id if name == "last" else self.named[name]
        return self.book.positions[number]

    def _refuse(self, step: ExampleOrder, ticket: int) -> None:
        context = RiskContext(
            account=Account(
                id=1,
                exchange_id="paper.binance",
                label="example",
                position_mode=self.book.mode,
                environment=Environment.PAPER,
            ),
            instrument=self.book.instrument,
            positions=self.book.open_positions(),
            orders=[order for order in self.book.orders.values() if order.is_open],
            strategy_ids=frozenset({0}),
        )
        request = SendOrder(
            symbol=self.example.symbol,
            side=Side(step.side),
            order_type="market",
            qty=step.qty,
            position_id=ticket,
        )
        refused = admit_send(request, context)
        assert isinstance(refused, Refused)
        assert refused.code == step.refused


def _instrument(example: WorkedExample) -> Instrument:
    base, _, rest = example.symbol.partition("/")
    quote, _, settle = rest.partition(":")
    if not settle:
        return a_spot_instrument(symbol=example.symbol, base=base, quote=quote, settle=quote)
    return an_instrument(
        symbol=example.symbol,
        kind=InstrumentKind.INVERSE if settle == base else InstrumentKind.LINEAR,
        base=base,
        quote=quote,
        settle=settle,
        contract_size=example.contract,
    )
