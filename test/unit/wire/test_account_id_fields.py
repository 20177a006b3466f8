"""``account_ids`` of a body: CSV or a list, read as forgivingly as in a query."""

import pytest

from oms.wire.commands.reconcile_request import read_reconcile
from oms.wire.request_body import Malformed


@pytest.mark.parametrize(
    ("told", "ids"),
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
def test_accounts_are_named_by_csv_or_list(told: object, ids: tuple[int, ...] | None) -> None:
    assert read_reconcile({"account_ids": told})[0] == ids


@pytest.mark.parametrize("told", ["x", ["x"], [0], 5, {"a": 1}, list(range(1, 1002))])
def test_what_names_no_account_is_refused(told: object) -> None:
    with pytest.raises(Malformed):
        read_reconcile({"account_ids": told})
