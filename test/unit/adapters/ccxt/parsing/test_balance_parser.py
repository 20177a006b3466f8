"""Totals of balances: whole, or not told."""

from decimal import Decimal
from typing import Any

import pytest

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.balance_parser import parse_balances


def test_totals_are_read_by_currency() -> None:
    told = {"total": {"SOL": "1.5", "USDT": "0"}, "free": {"SOL": "1"}}
    assert parse_balances(told) == {"SOL": Decimal("1.5"), "USDT": Decimal(0)}


@pytest.mark.parametrize("totals", [{}, {"SOL": None}, {"SOL": "1", "BTC": None}])
def test_an_answer_with_a_hole_tells_nothing(totals: dict[str, Any]) -> None:
    assert parse_balances({"total": totals}) is None


@pytest.mark.parametrize("told", [None, [], {}, {"total": None}, {"total": "1"}])
def test_what_is_no_answer_fails(told: Any) -> None:
    with pytest.raises(ReadFailed):
        parse_balances(told)
