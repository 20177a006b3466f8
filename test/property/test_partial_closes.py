"""Positions that are closed in very many parts: numbers stay exact and their texts short."""

from decimal import Context, Decimal
from fractions import Fraction

import pytest

from kit.builders import NOON, a_spot_instrument, an_instrument
from kit.ledger.histories import INVERSE
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.position import Fill, Position, apply_fill
from oms.domain.money import fraction_text, round_to_scale
from oms.domain.side import Side

CLOSES = 10_000
#: Sums of so many reciprocals as fractions would take longer than the test may.
DIGITS = Context(prec=300)
LAST_DIGIT = Decimal("1e-18")
#: Python refuses to convert longer texts.
TEXT_DIGITS_MAX = 4300
KINDS = (an_instrument(), an_instrument(**INVERSE), a_spot_instrument())


def _fill(delta: int, price: Decimal) -> Fill:
    return Fill(
        delta=Decimal(delta),
        price=price,
        fee=None,
        fee_currency=None,
        reason="api",
        executed_at=NOON,
        received_at=NOON,
    )


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("instrument", KINDS, ids=lambda one: one.kind)
def test_many_partial_closes_are_exact_to_the_last_digit(instrument: Instrument, side: int) -> None:
    """Entries at prices without a finite average, and exits at 10,000 different prices."""
    position = Position(
        id=1,
        account_id=1,
        symbol=instrument.symbol,
        strategy_id=0,
        side=Side.BUY if side > 0 else Side.SELL,
        identifier=1,
        opened_at=NOON,
        updated_at=NOON,
    )
    m = Fraction(instrument.contract_size)
    v = instrument.value
    entries = ((CLOSES, Decimal("60000.1")), (2 * CLOSES + 7, Decimal("60123.3")))
    for qty, price in entries:
        position, _ = apply_fill(position, instrument, _fill(side * qty, price))
    held, cost = Fraction(0), Fraction(0)
    for qty, price in entries:
        held, cost = held + side * qty, cost + side * qty * v(price)
    average = cost / held
    is_inverse = instrument.kind is InstrumentKind.INVERSE
    exits, closed, sums = Decimal(0), 0, Decimal(0)
    for number in range(CLOSES):
        price = Decimal("59000.1") + Decimal(number) / 10
        qty = 1 + number % 3
        position, profit = apply_fill(position, instrument, _fill(-side * qty, price))
        assert profit == round_to_scale(m * side * qty * (v(price) - average)), number
        sums += profit
        closed += qty
        value = DIGITS.divide(qty, price) if is_inverse else DIGITS.multiply(qty, price)
        exits = DIGITS.add(exits, value)
        shown = DIGITS.divide(closed, exits) if is_inverse else DIGITS.divide(exits, closed)
        assert position.close_price == shown.quantize(LAST_DIGIT, context=DIGITS), number
    assert position.profit == sums
    assert position.avg_price == round_to_scale(instrument.price_of(average))
    for number in (position.cost, position.exit_value):
        assert len(fraction_text(number)) < TEXT_DIGITS_MAX
