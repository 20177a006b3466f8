"""A step that contradicts itself is found, whatever part of the books it broke."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from kit.paper import LINEAR, SPOT, PaperDesk
from oms.domain.order import Side
from oms.simulation.facts import Filled
from oms.simulation.invariants import InvariantBroken, check
from oms.simulation.matching import Taking
from oms.simulation.memory import Balance, Leg, PaperPosition
from oms.simulation.settling import settle
from oms.simulation.sheet import Sheet


def a_filled_sheet(symbol: str) -> Sheet:
    """A sheet on which one lot of a resting order was just executed; it is in order."""
    desk = PaperDesk(USDT="1000", SOL="5")
    desk.quote("100", "101", symbol)
    desk.sell("2", "110", symbol=symbol)
    sheet = Sheet(desk.memory, desk.settings, desk.now)
    order = sheet.orders[symbol]["o1"]
    sheet.lock(order.locked_currency, -order.locked)
    order = replace(order, locked=Decimal(0))
    order = settle(sheet, order, Taking(qty=Decimal(1), price=Decimal(110)), maker=True)
    sheet.put_order(order)
    check(sheet)
    return sheet


def _lose_money(sheet: Sheet) -> None:
    sheet.credit("USDT", Decimal("-0.000000000000000001"))


def _use_what_nobody_locks(sheet: Sheet) -> None:
    sheet.lock("USDT", Decimal(1))


def _use_less_than_nothing(sheet: Sheet) -> None:
    sheet.balances["BTC"] = Balance(free=Decimal(1), used=Decimal(-1))


def _forget_a_fill(sheet: Sheet) -> None:
    sheet.facts.pop()


def _fill_twice(sheet: Sheet) -> None:
    sheet.facts.append(sheet.facts[-1])


def _fill_a_stranger(sheet: Sheet) -> None:
    fact = sheet.facts[-1]
    assert isinstance(fact, Filled)
    trade = replace(fact.trade, exchange_order_id="o9", qty=Decimal(0))
    sheet.facts.append(Filled(trade=replace(trade, fee=Decimal(0), qty=Decimal(1))))


def _overfill(sheet: Sheet) -> None:
    (order,) = (o for orders in sheet.orders.values() for o in orders.values())
    sheet.put_order(replace(order, qty=Decimal("0.5")))


def _fill_beyond_the_limit(sheet: Sheet) -> None:
    fact = sheet.facts[-1]
    assert isinstance(fact, Filled)
    sheet.facts[-1] = Filled(trade=replace(fact.trade, price=Decimal(109)))


def _end_twice(sheet: Sheet) -> None:
    (order,) = (o for orders in sheet.orders.values() for o in orders.values())
    sheet.ended += [order, order]


def _move_a_position(sheet: Sheet) -> None:
    sheet.put_position(
        (LINEAR, Leg.LONG),
        PaperPosition(
            symbol=LINEAR, leg=Leg.LONG, qty=Decimal(1), cost=Decimal(1), margin=Decimal(0)
        ),
    )


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
@pytest.mark.parametrize(
    "spoil",
    [
        _lose_money,
        _use_what_nobody_locks,
        _use_less_than_nothing,
        _forget_a_fill,
        _fill_twice,
        _fill_a_stranger,
        _overfill,
        _fill_beyond_the_limit,
        _end_twice,
        _move_a_position,
    ],
)
def test_it_is_found(symbol: str, spoil: Callable[[Sheet], None]) -> None:
    sheet = a_filled_sheet(symbol)
    spoil(sheet)
    with pytest.raises(InvariantBroken):
        check(sheet)


def test_selling_spot_that_is_not_there_is_found() -> None:
    desk = PaperDesk(USDT="1000", SOL="1")
    desk.quote("100", "101")
    desk.sell("1", "110")
    sheet = Sheet(desk.memory, desk.settings, desk.now)
    order = sheet.orders[SPOT]["o1"]
    assert order.side is Side.SELL
    sheet.put_order(settle(sheet, order, Taking(qty=Decimal(1), price=Decimal(110)), maker=True))
    with pytest.raises(InvariantBroken, match="sold more"):
        check(sheet)
