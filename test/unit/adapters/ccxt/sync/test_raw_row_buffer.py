"""Malformed rows stop nothing: they are quarantined, counted once, and newest_row."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, CcxtHarness
from kit.exchanges.scripted_venue import LINEAR, ScriptedVenue, a_trade_row, an_order_row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import get_timestamp, to_milliseconds
from oms.adapters.ccxt.parsing.holdings import parse_position
from oms.adapters.ccxt.sync.paging import fetch_all
from oms.adapters.ccxt.sync.raw_row_buffer import ORDER, ROWS_MAX, TRADE, RawRowBuffer
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeSnapshot

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
async def take_snapshot(venue: ScriptedVenue) -> AsyncIterator[Callable[..., Any]]:
    """Takes a snapshot of what the venue lists."""
    harness = CcxtHarness(
        make_client=lambda: venue,
        timings=evolve(FAST_TIMINGS, idle_poll_seconds=60, live_poll_seconds=60),
    ).start()

    async def request_snapshot() -> ExchangeSnapshot:
        await harness.wait_ready()
        harness.exchange.start_snapshot(datetime.now(UTC) - timedelta(days=1))
        count = len(harness.snapshots)
        await harness.wait_until(lambda: len(harness.snapshots) > count, "a snapshot")
        return harness.snapshots[-1]

    request_snapshot.harness = harness  # type: ignore[attr-defined]
    yield request_snapshot
    await harness.exchange.close()


async def test_the_other_rows_are_read(
    venue: ScriptedVenue, take_snapshot: Callable[..., Any]
) -> None:
    now = to_milliseconds(datetime.now(UTC))
    await take_snapshot.harness.wait_ready()  # type: ignore[attr-defined]
    venue.open_orders = [
        an_order_row("y1"),
        an_order_row("y2", side="sideways"),
        an_order_row("y3", symbol="NOT/TRADED"),
    ]
    venue.trades = [
        a_trade_row("t1", "y1", qty="0.5", at=now),
        a_trade_row("t2", "y1", qty="0.5", at=None),
        a_trade_row("-1", "y1", at=now),
    ]
    snapshot = await take_snapshot()
    assert {report.exchange_order_id for report in snapshot.orders} == {"y1"}
    assert [report.execution.exchange_trade_id for _, report in snapshot.trades] == ["t1"]
    names = {each.row["id"] for each in snapshot.raw}
    assert names == {"y1", "y2", "y3", "t1", "t2", "-1"}, "all rows are newest_row"
    exchange = take_snapshot.harness.exchange  # type: ignore[attr-defined]
    quarantine = exchange._components.raw_rows.quarantined_counts
    assert quarantine == {
        ("order", "an order without a side"): 1,
        ("order", "its symbol is not traded here"): 1,
        ("execution", "an execution without a time"): 1,
        ("execution", "no execution: its id says that there was none"): 1,
    }
    await take_snapshot()
    assert sum(quarantine.values()) == 4, "repeated rows are counted once"


def test_a_reason_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    raw_rows = RawRowBuffer("bybit")
    with caplog.at_level(logging.WARNING, "oms.ccxt"):
        for name in ("a", "b", "c"):
            raw_rows.quarantine(ORDER, "it is odd", {"id": name, "symbol": LINEAR})
    assert [record.getMessage() for record in caplog.records] == [
        f"bybit quarantines: order: it is odd ({LINEAR} a); further ones are counted"
    ]
    assert raw_rows.quarantined_counts == {(ORDER, "it is odd"): 3}


def test_rows_are_taken_once_and_limited() -> None:
    raw_rows = RawRowBuffer("bybit")
    rows = [{"id": str(number)} for number in range(ROWS_MAX + 1)]
    raw_rows.add(TRADE, rows)
    raw_rows.add(TRADE, rows[-5:])
    taken = raw_rows.take()
    assert [each.row for each in taken] == rows[1:]
    assert not any(each.is_order for each in taken)
    assert raw_rows.take() == ()


@pytest.mark.parametrize("is_turned", [False, True])
def test_of_two_versions_the_newer_wins_in_any_order(
    venue: ScriptedVenue, *, is_turned: bool
) -> None:
    older = an_order_row("y1", at=1_700_000_000_000)
    newer = an_order_row("y1", at=1_700_000_000_001)
    shown = an_order_row("y2", filled="0"), an_order_row("y2", filled="1")
    venue.open_orders = [older, newer, *shown]
    if is_turned:
        venue.open_orders.reverse()
    duplicates: list[Any] = []
    rows = asyncio.run(
        fetch_all(
            venue,
            "fetch_open_orders",
            None,
            None,
            50,
            {},
            uses_cursor=True,
            on_duplicate=lambda row, newest_row: duplicates.append((row, newest_row)),
        )
    )
    assert sorted(rows, key=lambda row: row["id"]) == [newer, shown[1]]
    assert sorted(duplicates, key=lambda each: each[0]["id"]) == [(older, newer), shown]


@pytest.mark.parametrize("scale", [1, 10**3, 10**6])
def test_finer_timestamps_are_the_same_time(scale: int) -> None:
    assert get_timestamp({"timestamp": to_milliseconds(NOON) * scale}, "timestamp") == NOON


def test_a_leg_is_read_where_only_the_venue_row_has_it(venue: ScriptedVenue) -> None:
    row = {
        "symbol": LINEAR,
        "contracts": 2.0,
        "side": None,
        "hedged": True,
        "info": {"positionSide": "SHORT"},
    }
    assert parse_position(row, venue.instruments) == ((LINEAR, Side.SELL), -2)
    with pytest.raises(ReadFailed, match="without a side"):
        parse_position({**row, "info": {}}, venue.instruments)
    assert parse_position({**row, "contracts": 0.0, "symbol": "X"}, venue.instruments) is None
