"""Our structures have every key of ccxt's, and ccxt's own functions accept them."""

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from ccxt_driver.structures import StructureBuilder
from kit.http.stub_transport import DEAL, ORDER, POSITION

THEIRS = ccxt.Exchange()
SHAPES = StructureBuilder(dialect="ccxt")
TABLE = [
    (SHAPES.order, ORDER, THEIRS.safe_order),
    (SHAPES.trade, DEAL, THEIRS.safe_trade),
    (SHAPES.position, POSITION, THEIRS.safe_position),
]


@pytest.mark.parametrize(("shape", "row", "safe"), TABLE)
def test_every_key_of_ccxt_is_there_even_of_an_empty_row(
    shape: Callable[[Any], Any], row: Any, safe: Callable[[Any], Any]
) -> None:
    keys = {key for value in (row, {}) for key in safe(shape(value))}
    assert keys - set(shape(row)) == set()
    assert set(shape(row)) == set(shape({}))


@pytest.mark.parametrize(("shape", "row", "safe"), TABLE)
def test_ccxt_changes_no_value_that_we_tell(
    shape: Callable[[Any], Any], row: Any, safe: Callable[[Any], Any]
) -> None:
    ours = shape(row)
    accepted = safe(dict(ours))
    same = {key: value for key, value in ours.items() if value not in (None, [], {})}
    assert {key: accepted[key] for key in same} == same
