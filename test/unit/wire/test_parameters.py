"""What a function reads of a query is the group of parameters that routes document for it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import pytest

from oms.wire import parameters as p
from oms.wire.admin.audit_query import read_audit_query
from oms.wire.commands.reconcile_request import read_discrepancy_query
from oms.wire.query_parameters import (
    is_mt5_view,
    read_admin_query,
    read_history_query,
    read_open_query,
    read_wait,
)

NOW = datetime(2026, 2, 25, tzinfo=UTC)
SENT = {"account_ids": "1", "start_date": "2026-01-01", "end_date": "2026-01-02"}


class RecordedQuery(Mapping[str, str]):
    """A query that records the names for which it was asked."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values_by_name = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


@pytest.mark.parametrize(
    ("read", "group"),
    [
        (read_open_query, p.OPEN_LIST),
        (lambda query: read_history_query(query, NOW), p.DEALS),
        (lambda query: read_admin_query(query, NOW), p.ADMIN_HISTORY),
        (read_audit_query, p.AUDIT_LOG),
        (lambda query: read_discrepancy_query(query, [1]), p.DISCREPANCIES),
        (lambda query: read_wait(query, None, 0), p.CALL_WAIT),
        (is_mt5_view, (p.VIEW,)),
    ],
)
def test_groups_name_what_is_read(
    read: Callable[[RecordedQuery], object], group: tuple[p.Parameter, ...]
) -> None:
    query = RecordedQuery(SENT)
    read(query)
    assert query.names == {one.name for one in group}


def test_numbers_are_clamped_to_the_described_range() -> None:
    for sent, read in (("0", p.LIMIT.least), ("99999", p.LIMIT.most), ("x", p.LIMIT.default)):
        assert read_open_query({"account_ids": "1", "limit": sent})[1] == read
