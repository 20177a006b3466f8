"""Values of corrected rows: a column takes its own type only."""

from typing import Any

import pytest

from oms.domain.commands.account_commands import MutateItem
from oms.wire.admin.row_mutations import changes_of, values_of
from oms.wire.request_body import Malformed

TEXTS = ("comment", "symbol", "side", "status", "client_order_id", "exchange_trade_id", "reason")


def item(**row: Any) -> MutateItem:
    return MutateItem(index=0, op="update", row=row)


@pytest.mark.parametrize("sent", [{}, {"a": 1}, [], ["x"], 5, True])
@pytest.mark.parametrize("name", TEXTS)
def test_text_columns_take_texts_only(name: str, sent: object) -> None:
    with pytest.raises(Malformed, match="a text is expected"):
        values_of({name: None}, item(**{name: sent}))
    with pytest.raises(Malformed, match="a text is expected"):
        changes_of({name: "x"}, item(**{name: sent}))


@pytest.mark.parametrize("sent", [{}, ["x"]])
def test_no_other_column_takes_a_list_or_an_object(sent: object) -> None:
    with pytest.raises(Malformed):
        values_of({"nonsense": None}, item(nonsense=sent))


def test_an_unchanged_row_has_no_changes() -> None:
    row = {"id": 1, "fees": {"USDT": "1"}, "comment": None, "leg": 0, "symbol": "BTC/USDT"}
    assert changes_of(row, item(**row)) == {}
