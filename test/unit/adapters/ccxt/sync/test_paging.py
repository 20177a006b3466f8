"""Whole lists from pages, whatever their size and way of paging."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.sync.paging import fetch_all, split_windows

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
PAGE = 3


class ByCursor:
    """A venue that returns a cursor of the next page."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    async def read(self, method: str, *args: Any) -> list[dict[str, Any]]:
        first = int(args[-1].get("cursor") or 0)
        page = [dict(row, info={}) for row in self.rows[first : first + PAGE]]
        if first + PAGE < len(self.rows):
            page[-1]["info"] = {"nextPageCursor": str(first + PAGE)}
        return page


class ByTime(ByCursor):
    """A venue with a start time parameter."""

    async def read(self, method: str, *args: Any) -> list[dict[str, Any]]:
        _, since, page, _ = args
        return [row for row in self.rows if row["timestamp"] >= since][:page]


class NewestFirst(ByCursor):
    """A venue that returns the newest rows, up to an end or after an offset."""

    async def read(self, method: str, *args: Any) -> list[dict[str, Any]]:
        _, since, page, params = args
        until = params.get("until", 10**6)
        rows = [row for row in self.rows if since <= row["timestamp"] <= until]
        end = len(rows) - int(params.get("ofs", 0))
        return rows[max(end - page, 0) : max(end, 0)]


class ByIds(ByCursor):
    """A venue that returns its newest rows, or the oldest ones from an id on."""

    requests = 0

    async def read(self, method: str, *args: Any) -> list[dict[str, Any]]:
        _, since, page, params = args
        assert since is None, "times are not sent"
        self.requests += 1
        first = params.get("fromId")
        if first is None:
            return self.rows[-page:]
        return [row for row in self.rows if int(row["id"]) >= first][:page]


def rows_at(times: list[int]) -> list[dict[str, Any]]:
    return [
        {"id": f"t{number}", "symbol": "A/B", "timestamp": at, "info": {}}
        for number, at in enumerate(sorted(times))
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 1000), max_size=20))
async def test_paging_by_cursor(times: list[int]) -> None:
    rows = rows_at(times)
    listed = await fetch_all(ByCursor(rows), "fetch_my_trades", None, 0, PAGE, {}, uses_cursor=True)
    assert [row["id"] for row in listed] == [row["id"] for row in rows]


@pytest.mark.parametrize("offset_param", ["", "ofs"])
@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 1000), max_size=20, unique=True))
async def test_paging_from_the_newest_row(offset_param: str, times: list[int]) -> None:
    rows = rows_at(times)
    listed = await fetch_all(
        NewestFirst(rows),
        "fetch_my_trades",
        None,
        0,
        PAGE,
        {},
        uses_cursor=False,
        newest_first=not offset_param,
        offset_param=offset_param,
    )
    assert {row["id"] for row in listed} == {row["id"] for row in rows}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 10**9), max_size=40, unique=True), st.integers(0, 10**9))
async def test_paging_back_by_ids(numbers: list[int], since: int) -> None:
    rows = [
        {"id": str(number), "symbol": "A/B", "timestamp": number, "info": {}}
        for number in sorted(numbers)
    ]
    venue = ByIds(rows)
    listed = await fetch_all(
        venue, "fetch_my_trades", None, since, PAGE, {}, uses_cursor=False, from_id_param="fromId"
    )
    assert {row["id"] for row in rows if row["timestamp"] >= since} <= {row["id"] for row in listed}
    assert venue.requests <= 2 * len(rows) / PAGE + 35, "the range of ids grows where it is empty"


async def test_ids_that_are_no_numbers_cannot_be_paged() -> None:
    with pytest.raises(ReadFailed, match="no number"):
        await fetch_all(
            ByIds(rows_at([1, 2, 3])),
            "fetch_my_trades",
            None,
            0,
            PAGE,
            {},
            uses_cursor=False,
            from_id_param="fromId",
        )


async def test_a_page_with_one_timestamp_cannot_be_paged_backwards() -> None:
    venue = NewestFirst(rows_at([5] * (PAGE + 1)))
    with pytest.raises(ReadFailed):
        await fetch_all(
            venue, "fetch_my_trades", None, 0, PAGE, {}, uses_cursor=False, newest_first=True
        )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 1000), max_size=20, unique=True))
async def test_paging_by_time(times: list[int]) -> None:
    rows = rows_at(times)
    listed = await fetch_all(ByTime(rows), "fetch_my_trades", None, 0, PAGE, {}, uses_cursor=False)
    assert [row["id"] for row in listed] == [row["id"] for row in rows]


async def test_more_rows_of_one_timestamp_than_a_page_fail() -> None:
    rows = rows_at([5] * 10)
    with pytest.raises(ReadFailed, match="cannot be paged"):
        await fetch_all(ByTime(rows), "fetch_my_trades", None, 0, PAGE, {}, uses_cursor=False)


@given(st.integers(0, 60 * 86_400), st.integers(1, 30))
def test_windows_cover_the_span_and_none_is_too_long(seconds: int, days: int) -> None:
    until = NOON + timedelta(seconds=seconds)
    found = split_windows(NOON, until, days)
    assert (found[0].since, found[-1].until) == (NOON, until)
    assert all(each.until - each.since <= timedelta(days=days) for each in found)
    gaps = [b.since - a.until for a, b in pairwise(found)]
    assert set(gaps) <= {timedelta(milliseconds=1)}


def test_without_a_limit_there_is_one_window() -> None:
    assert len(split_windows(NOON, NOON + timedelta(days=400), 0)) == 1
