"""Numbers to and from ccxt."""

from decimal import Decimal
from typing import Any

import pytest

from oms.adapters.ccxt.parsing.decimals import encode_decimals, to_decimal


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


def test_decimals_become_plain_texts_at_any_depth() -> None:
    raw = (Decimal("1E-8"), {"stopLoss": {"triggerPrice": Decimal("50000.0")}}, 5, None)
    assert encode_decimals(list(raw)) == [
        "0.00000001",
        {"stopLoss": {"triggerPrice": "50000.0"}},
        5,
        None,
    ]
