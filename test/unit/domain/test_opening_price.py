"""The price of an opening correction: it reproduces the average that the exchange reports."""

from decimal import Decimal

import pytest

from kit.builders import NOON, an_instrument
from kit.ledger.histories import INVERSE
from oms.domain.instrument import Instrument
from oms.domain.ledger.correction import opening_price
from oms.domain.ledger.position import Fill, Position, apply_fill
from oms.domain.side import Side

LINEAR, INVERSE_CONTRACT = an_instrument(), an_instrument(**INVERSE)


def a_position(instrument: Instrument, qty: str, price: str) -> Position:
    """An open position with one entry."""
    delta = Decimal(qty)
    flat = Position(
        id=1,
        identifier=1,
        account_id=1,
        symbol=instrument.symbol,
        strategy_id=0,
        side=Side.BUY if delta > 0 else Side.SELL,
        opened_at=NOON,
        updated_at=NOON,
    )
    return after(flat, instrument, delta, Decimal(price))


def after(position: Position, instrument: Instrument, delta: Decimal, price: Decimal) -> Position:
    """The position after an execution without a fee."""
    fill = Fill(delta, price, None, None, "external", NOON, NOON)
    return apply_fill(position, instrument, fill)[0]


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE_CONTRACT])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_position_gets_the_average_of_the_exchange(instrument: Instrument, sign: int) -> None:
    whole, average = Decimal(3 * sign), Decimal(42_000)
    alone = opening_price(instrument, exchange_qty=whole, average=average, positions=[])
    assert alone is not None and abs(alone - average) < Decimal("1e-12")
    held = a_position(instrument, str(sign), "40000")
    price = opening_price(instrument, exchange_qty=whole, average=average, positions=[held])
    assert price is not None and price > average
    reached = after(held, instrument, whole - held.qty, price)
    assert abs(reached.avg_price - average) < Decimal("1e-12")


@pytest.mark.parametrize(
    ("held", "there", "average"),
    [
        ("2", "3", "42000"),  # a small one would multiply what the exchange rounded
        ("2", "1", "42000"),  # closes
        ("-1", "3", "42000"),  # flips
        ("1", "3", "10000"),  # no price above 0 gives it
    ],
)
def test_other_corrections_have_no_such_price(held: str, there: str, average: str) -> None:
    position = a_position(LINEAR, held, "40000")
    price = opening_price(
        LINEAR, exchange_qty=Decimal(there), average=Decimal(average), positions=[position]
    )
    assert price is None
