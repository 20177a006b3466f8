"""Kinds of tampering on MariaDB, whose columns have types: some values are refused by itself."""

from typing import Any

import pytest
from pymysql.err import Error

from kit.attack.tampering_kinds import KINDS

#: Values that its columns do not take.
REFUSED = {"length that is no number"}
#: Values that the gateway never writes, and that its columns take.
VALUES = {
    "state": ("UPDATE oms_orders SET state = 'LOST'", ("row_value", "oms_orders")),
    "JSON": ("UPDATE oms_orders SET fees_json = '{'", ("row_value", "oms_orders")),
    "time": (
        "UPDATE oms_deals SET executed_at = '0001-01-01 00:00:00'",
        ("row_value", "oms_deals"),
    ),
    "fraction": (
        "UPDATE oms_positions SET cost_exact = '1/0'",
        ("row_value", "oms_positions"),
    ),
}


async def test_healthy_book_has_no_finding(attacked_server: Any) -> None:
    assert await attacked_server.found(with_checkpoint=True) == set()


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - REFUSED))
async def test_tampering_is_named(kind: str, attacked_server: Any) -> None:
    statement, expected = KINDS[kind]
    attacked_server.do(statement)
    assert expected in await attacked_server.found()


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_a_value_of_another_type_is_refused(kind: str, attacked_server: Any) -> None:
    with pytest.raises(Error, match="Incorrect integer value"):
        attacked_server.do(KINDS[kind][0])


@pytest.mark.parametrize("value", VALUES)
async def test_invalid_value_is_named(value: str, attacked_server: Any) -> None:
    statement, expected = VALUES[value]
    attacked_server.do(statement)
    assert expected in await attacked_server.found()
