"""Numbers to and from ccxt, and the side that each is rounded to."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from oms.adapters.ccxt.parsing.decimals import (
    encode_decimals,
    first_decimal,
    round_down,
    round_passive,
    round_trigger,
    round_up,
    to_decimal,
)

TICK = Decimal("0.1")


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("0.10", "0.10"),
        ("-1e-8", "-1E-8"),
        (3, "3"),
        (0.1, "0.1"),
        (1e-7, "1E-7"),
        ("0", "0"),
        (None, None),
        ("", None),
        (True, None),
    ],
)
def test_a_number_is_read_exactly(raw: Any, number: str | None) -> None:
    assert to_decimal(raw) == (None if number is None else Decimal(number))


@pytest.mark.parametrize("raw", ["x", "NaN", float("inf"), "1e999999999", "1e-101", [], {}])
def test_what_is_no_number_raises(raw: Any) -> None:
    with pytest.raises(ValueError, match="is no number"):
        to_decimal(raw)


def test_the_first_number_present() -> None:
    info = {"avgPrice": "", "price": "5.0", "last": "7"}
    assert first_decimal(info, "avgPrice", "price", "last") == Decimal("5.0")
    assert first_decimal(info, "nothing") is None


def test_decimals_become_plain_texts_at_any_depth() -> None:
    raw = (Decimal("1E-8"), {"stopLoss": {"triggerPrice": Decimal("50000.0")}}, 5, None)
    assert encode_decimals(list(raw)) == [
        "0.00000001",
        {"stopLoss": {"triggerPrice": "50000.0"}},
        5,
        None,
    ]


def test_a_limit_price_is_rounded_away_from_the_market() -> None:
    assert round_passive(Decimal("60000.05"), TICK, is_buy=True) == Decimal("60000.0")
    assert round_passive(Decimal("60000.05"), TICK, is_buy=False) == Decimal("60000.1")
    assert round_passive(Decimal("60000.1"), TICK, is_buy=False) == Decimal("60000.1")


def test_a_trigger_is_rounded_to_fire_earlier() -> None:
    price = Decimal("60000.05")
    low, high = Decimal("60000.0"), Decimal("60000.1")
    assert round_trigger(price, TICK, is_buy=True, is_stop=True) == low
    assert round_trigger(price, TICK, is_buy=False, is_stop=True) == high
    assert round_trigger(price, TICK, is_buy=True, is_stop=False) == high
    assert round_trigger(price, TICK, is_buy=False, is_stop=False) == low


@given(
    some.decimals("0", "1000000", allow_nan=False, places=6),
    some.sampled_from([Decimal("0.1"), Decimal("0.00001"), Decimal("5"), Decimal("0.25")]),
)
def test_rounding_moves_less_than_one_step(number: Decimal, step: Decimal) -> None:
    low, high = round_down(number, step), round_up(number, step)
    assert low <= number <= high and high - low in (Decimal(0), step)
    assert low % step == 0 == high % step
