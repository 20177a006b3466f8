"""Totals of balances: complete, or none."""

from decimal import Decimal
from typing import Any

import pytest

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.holdings import parse_balances


def test_totals_are_read_by_currency() -> None:
    response = {"total": {"SOL": "1.5", "USDT": "0"}, "free": {"SOL": "1"}}
    assert parse_balances(response) == {"SOL": Decimal("1.5"), "USDT": Decimal(0)}


@pytest.mark.parametrize("totals", [{}, {"SOL": None}, {"SOL": "1", "BTC": None}])
def test_an_incomplete_reply_has_no_totals(totals: dict[str, Any]) -> None:
    assert parse_balances({"total": totals}) is None


@pytest.mark.parametrize("response", [None, [], {}, {"total": None}, {"total": "1"}])
def test_a_malformed_reply_fails(response: Any) -> None:
    with pytest.raises(ReadFailed):
        parse_balances(response)
