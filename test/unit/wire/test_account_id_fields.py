"""``account_ids`` of a body: CSV or list, parsed as leniently as in a query."""

import pytest

from oms.wire.commands.reconcile_request import read_reconcile
from oms.wire.request_body import Malformed


@pytest.mark.parametrize(
    ("sent", "ids"),
    [
        ("1,2", (1, 2)),
        ([1, 2], (1, 2)),
        (["2", 1, 2], (2, 1)),
        (" 3 ,x,,-1,0,3", (3,)),
        ([3, "x", -1, 0, None, True, 1.5], (3,)),
        ("", None),
        ([], None),
    ],
)
def test_accounts_are_named_by_csv_or_list(sent: object, ids: tuple[int, ...] | None) -> None:
    assert read_reconcile({"account_ids": sent})[0] == ids


@pytest.mark.parametrize("sent", ["x", ["x"], [0], 5, {"a": 1}, list(range(1, 1002))])
def test_invalid_account_ids_are_refused(sent: object) -> None:
    with pytest.raises(Malformed):
        read_reconcile({"account_ids": sent})
