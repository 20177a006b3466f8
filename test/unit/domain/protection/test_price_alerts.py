"""When a price alert is reached, and which price it is compared with."""

from decimal import Decimal

import pytest

from kit.builders import NOON
from oms.domain.protection.price_alerts import (
    AlertCondition,
    PriceAlert,
    PriceSide,
    alert_price,
    is_reached,
    with_side,
)
from oms.domain.protection.stop_settings import PriceMode
from oms.domain.quotes import Quote

ABOVE, BELOW, CROSSES = AlertCondition.ABOVE, AlertCondition.BELOW, AlertCondition.CROSSES


def _alert(condition: AlertCondition, side: PriceSide | None = None) -> PriceAlert:
    """An alert at 100."""
    return PriceAlert(
        id=1,
        symbol="A/B",
        condition=condition,
        price=Decimal(100),
        side=side,
        user_id=1,
        created_at=NOON,
    )


@pytest.mark.parametrize(
    ("condition", "side", "fires"),
    [
        (ABOVE, None, [False, True, True]),
        (BELOW, None, [True, True, False]),
        (CROSSES, None, [False, False, False]),
        (CROSSES, PriceSide.BELOW, [False, True, True]),
        (CROSSES, PriceSide.ABOVE, [True, True, False]),
    ],
)
def test_the_prices_below_at_and_above_the_level(
    condition: AlertCondition, side: PriceSide | None, fires: list[bool]
) -> None:
    alert = _alert(condition, side)
    assert [is_reached(alert, Decimal(price)) for price in ("99.9", "100", "100.1")] == fires


def test_the_side_is_the_first_one_that_was_seen() -> None:
    assert with_side(_alert(ABOVE), Decimal(99)).side is None
    assert with_side(_alert(CROSSES), Decimal(100)).side is None
    below = with_side(_alert(CROSSES), Decimal(99))
    assert below.side is PriceSide.BELOW
    assert with_side(below, Decimal(101)) == below
    assert with_side(_alert(CROSSES), Decimal(101)).side is PriceSide.ABOVE


@pytest.mark.parametrize(
    ("mode", "price"),
    [
        (PriceMode.BID_ASK, "100.5"),
        (PriceMode.MID, "100.5"),
        (PriceMode.LAST, "103"),
        (PriceMode.MARK, None),
    ],
)
def test_the_price_of_the_settings_of_the_account(mode: PriceMode, price: str | None) -> None:
    quote = Quote(
        symbol="A/B",
        bid=Decimal(100),
        ask=Decimal(101),
        bid_qty=None,
        ask_qty=None,
        last=Decimal(103),
        at=NOON,
    )
    assert alert_price(mode, quote) == (None if price is None else Decimal(price))
