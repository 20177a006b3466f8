"""Structures have every key of ccxt's, and ccxt's own functions accept them."""

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from ccxt_driver.structures import StructureBuilder
from kit.http.stub_transport import DEAL, ORDER, POSITION

CCXT_EXCHANGE = ccxt.Exchange()
BUILDER = StructureBuilder(dialect="ccxt")
TABLE = [
    (BUILDER.order, ORDER, CCXT_EXCHANGE.safe_order),
    (BUILDER.trade, DEAL, CCXT_EXCHANGE.safe_trade),
    (BUILDER.position, POSITION, CCXT_EXCHANGE.safe_position),
]


@pytest.mark.parametrize(("build", "row", "safe"), TABLE)
def test_every_key_of_ccxt_is_present_even_for_an_empty_row(
    build: Callable[[Any], Any], row: Any, safe: Callable[[Any], Any]
) -> None:
    keys = {key for value in (row, {}) for key in safe(build(value))}
    assert keys - set(build(row)) == set()
    assert set(build(row)) == set(build({}))


@pytest.mark.parametrize(("build", "row", "safe"), TABLE)
def test_ccxt_accepts_every_value_unchanged(
    build: Callable[[Any], Any], row: Any, safe: Callable[[Any], Any]
) -> None:
    structure = build(row)
    accepted = safe(dict(structure))
    same = {key: value for key, value in structure.items() if value not in (None, [], {})}
    assert {key: accepted[key] for key in same} == same
