"""Decimals survive text conversion exactly, and invalid text is refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.money import (
    NotADecimal,
    decimal_text,
    is_on_step,
    parse_decimal,
    round_down_to_step,
    round_to_scale,
)

WIRE = st.decimals(
    min_value=Decimal("-1e17"), max_value=Decimal("1e17"), places=18, allow_nan=False
).filter(lambda value: value.adjusted() < 18)


@given(WIRE)
def test_text_and_back(value: Decimal) -> None:
    text = decimal_text(value)
    assert "e" not in text.lower()
    assert parse_decimal(text) == value
    assert decimal_text(parse_decimal(text)) == text


@given(st.fractions())
def test_rounding_is_within_half_a_digit(value: Fraction) -> None:
    assert abs(Fraction(round_to_scale(value)) - value) <= Fraction(1, 2 * 10**18)


@given(st.integers(0, 10**30), st.integers(1, 10**9))
def test_down_to_step_is_the_largest_multiple_below(value: int, step: int) -> None:
    down = round_down_to_step(Decimal(value), Decimal(step))
    assert is_on_step(down, Decimal(step))
    assert 0 <= value - int(down) < step


@pytest.mark.parametrize(
    "text", ["", "NaN", "Infinity", "-inf", "1e400", "1e18", "1" * 19, "0." + "1" * 19, "1,5", "٣x"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NotADecimal):
        parse_decimal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("1E+3", "1000"), ("-0.0", "0"), ("0.10", "0.1"), ("1e-18", f"0.{'0' * 17}1")],
)
def test_exponents_and_zeros_are_read(text: str, said: str) -> None:
    assert decimal_text(parse_decimal(text)) == said
