"""Totals of balances: whole, or not told."""

from decimal import Decimal
from typing import Any

import pytest

from oms.adapters.ccxt.balances_read import totals_shown
from oms.adapters.ccxt.faults import ReadFailed


def test_totals_are_read_by_currency() -> None:
    told = {"total": {"SOL": "1.5", "USDT": "0"}, "free": {"SOL": "1"}}
    assert totals_shown(told) == {"SOL": Decimal("1.5"), "USDT": Decimal(0)}


@pytest.mark.parametrize("totals", [{}, {"SOL": None}, {"SOL": "1", "BTC": None}])
def test_an_answer_with_a_hole_tells_nothing(totals: dict[str, Any]) -> None:
    assert totals_shown({"total": totals}) is None


@pytest.mark.parametrize("told", [None, [], {}, {"total": None}, {"total": "1"}])
def test_what_is_no_answer_fails(told: Any) -> None:
    with pytest.raises(ReadFailed):
        totals_shown(told)
