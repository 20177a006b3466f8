"""Query parameters: clamped where existing clients rely on it, refused elsewhere."""

from datetime import UTC, datetime

import pytest

from oms.wire.query_parameters import (
    cursor_text,
    read_account_ids,
    read_event_positions,
    read_history_query,
    read_ids_path,
    read_open_query,
    read_wait,
)
from oms.wire.request_body import Malformed

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DATED = {"account_ids": "1", "start_date": "2026-02-27", "end_date": "2026-02-28"}


@pytest.mark.parametrize(
    ("text", "ids"), [("1", (1,)), ("3,1,3, 2", (3, 1, 2)), ("x,-1,0,1.5,7,", (7,))]
)
def test_account_ids(text: str, ids: tuple[int, ...]) -> None:
    assert read_account_ids({"account_ids": text}) == ids


@pytest.mark.parametrize("text", ["", "x", ",", "0", "9" * 40])
def test_no_account_ids(text: str) -> None:
    with pytest.raises(Malformed, match="account_ids is required"):
        read_account_ids({"account_ids": text})


def test_more_than_a_thousand_accounts() -> None:
    with pytest.raises(Malformed):
        read_account_ids({"account_ids": ",".join(map(str, range(1, 1002)))})


@pytest.mark.parametrize(
    ("query", "page", "size"),
    [
        ({}, 1, 100),
        ({"page": "0", "page_size": "5000"}, 1, 500),
        ({"page": "x", "page_size": "-3"}, 1, 1),
        ({"page": "7", "page_size": "1e3"}, 7, 100),
    ],
)
def test_paging_is_never_refused(query: dict[str, str], page: int, size: int) -> None:
    window = read_history_query(DATED | query, NOON)
    assert (window.page, window.page_size) == (page, size)


def test_limit_of_open_lists() -> None:
    assert [read_open_query({"account_ids": "1", "limit": n})[1] for n in ("0", "99999", "x")] == [
        1,
        5000,
        500,
    ]


def test_dates_are_both_inclusive() -> None:
    window = read_history_query(DATED, NOON)
    assert window.since == datetime(2026, 2, 27, tzinfo=UTC)
    assert window.until == datetime(2026, 3, 1, tzinfo=UTC)


def test_dates_are_days_of_the_zone() -> None:
    window = read_history_query(DATED | {"tz": "America/New_York"}, NOON)
    assert window.since == datetime(2026, 2, 27, 5, tzinfo=UTC)
    window = read_history_query(DATED | {"tz": "+09:00"}, NOON)
    assert window.since == datetime(2026, 2, 26, 15, tzinfo=UTC)


def test_tomorrow_is_read_as_today() -> None:
    window = read_history_query(
        DATED | {"start_date": "2026-03-02", "end_date": "2026-03-02"}, NOON
    )
    assert window.since == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"start_date": ""},
        {"end_date": ""},
        {"start_date": "", "end_date": ""},
        {"start_date": "2026-3-1x"},
        {"start_date": "20260227"},
        {"start_date": "2026-02-30"},
        {"start_date": "2026-02-28", "end_date": "2026-02-27"},
        {"tz": "Mars/Olympus"},
        {"tz": "../../etc/passwd"},
        {"since": "yesterday"},
        {"cursor": "!!"},
        {"strategy_id": "x"},
        {"reconciled": "maybe"},
    ],
)
def test_values_that_would_change_the_response_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        read_history_query(DATED | changes, NOON)


def test_dates_may_be_absent_with_since_or_cursor() -> None:
    since = read_history_query({"account_ids": "1", "since": "1772323200000"}, NOON).since
    assert since == datetime(2026, 3, 1, tzinfo=UTC)
    text = read_history_query({"account_ids": "1", "since": "2026-03-01 00:00:00"}, NOON).since
    assert text == since
    assert read_history_query({"account_ids": "1", "cursor": ""}, NOON).after_id == 0
    assert read_history_query({"account_ids": "1", "cursor": cursor_text(55)}, NOON).after_id == 55


@pytest.mark.parametrize("far", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar(far: str) -> None:
    query = DATED | {"start_date": "0001-01-01", "end_date": far, "tz": "+14:00"}
    assert read_history_query(query, NOON).until is not None


def test_ids_of_a_path() -> None:
    assert read_ids_path("3,1,3") == (1, 3)
    assert read_ids_path("history") is None
    assert read_ids_path("1,a") is None
    with pytest.raises(Malformed):
        read_ids_path(",".join(map(str, range(1, 502))))


def test_after() -> None:
    assert read_event_positions({"after": "5"}, (1,), {}) == {1: 5}
    assert read_event_positions({"after": "1:5,2:7,9:1"}, (1, 2), {}) == {1: 5, 2: 7}
    assert read_event_positions({"after": "now"}, (1, 2), {1: 9}) == {1: 9, 2: 0}
    assert read_event_positions({}, (1,), {}) == {}
    for text in ("5", "1:x", "a:1", "1:-1"):
        with pytest.raises(Malformed):
            read_event_positions({"after": text}, (1, 2), {})


@pytest.mark.parametrize(
    ("query", "prefer", "seconds", "applied"),
    [
        ({}, None, 10, None),
        ({"wait_ms": "250"}, None, 0.25, None),
        ({"wait_ms": "99999999"}, None, 60, None),
        ({"wait_ms": "-1"}, "wait=5", 0, None),
        ({}, "wait=5", 5, "wait=5"),
        ({}, "handling=lenient, wait=900", 60, "wait=60"),
        ({}, "respond-async", 0, "respond-async"),
        ({"request_timeout_seconds": "3"}, None, 3, None),
        ({"request_timeout_seconds": "0"}, None, 1, None),
        ({"request_timeout_seconds": "300"}, "nonsense", 60, None),
    ],
)
def test_waits(
    query: dict[str, str], prefer: str | None, seconds: float, applied: str | None
) -> None:
    wait = read_wait(query, prefer, 10_000)
    assert (wait.seconds, wait.applied) == (seconds, applied)
    assert wait.is_asked is bool(query or prefer)


def test_a_wait_must_be_a_number() -> None:
    with pytest.raises(Malformed):
        read_wait({"wait_ms": "soon"}, None, 0)
