"""Watch queues receive every row once, however often and over whichever connection it arrives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ccxt_driver.sansio import account_cache
from ccxt_driver.sansio.account_cache import (
    ORDERS,
    POSITIONS,
    TRADES,
    AccountCache,
    EventGap,
    WatchQueue,
    extract_rows,
)
from ccxt_driver.sansio.flow import CallContext
from ccxt_driver.sansio.poll_flows import poll
from ccxt_driver.structures import StructureBuilder
from kit.http.stub_transport import DEAL, ORDER, POSITION

ALL: frozenset[str] = frozenset()


def new_cache() -> AccountCache:
    return AccountCache(account_id=7)


def order(version: int, **fields: Any) -> dict[str, Any]:
    return {**ORDER, "version": version, **fields}


def event(seq: int, row: Any, name: str = "order_updated", **fields: Any) -> dict[str, Any]:
    return {"event": name, "account_id": 7, "seq": seq, "payload": row, **fields}


def snapshot(seq: int, *rows: Any, name: str = "snapshot_open_orders") -> dict[str, Any]:
    return {"event": name, "payload": {"account_id": 7, "items": list(rows), "seq": seq}}


def take(queue: WatchQueue) -> list[Any]:
    rows = [(row["id"], row.get("version")) for row in queue.pending]
    queue.pending.clear()
    return rows


def test_snapshot_rows_come_first_and_each_event_is_returned_once() -> None:
    account = new_cache()
    queue = account.queue(ORDERS, ALL, 0)
    account.apply_frame(snapshot(10, order(1)))
    assert take(queue) == [(42, 1)]
    for frame in (
        event(9, order(0)),
        event(10, order(1)),
        event(11, order(2)),
        event(11, order(2)),
    ):
        account.apply_frame(frame)
    assert take(queue) == [(42, 2)]
    assert account.queue(ORDERS, ALL, 0) is queue


def test_a_new_queue_starts_with_the_open_rows() -> None:
    account = new_cache()
    account.apply_frame(snapshot(10, order(1), order(1, id=43)))
    account.apply_frame(event(11, order(2, status="FILLED")))
    assert take(account.queue(ORDERS, ALL, 0)) == [(43, 1)]


def test_queues_filter_by_symbol_and_strategy() -> None:
    account = new_cache()
    btc = account.queue(ORDERS, frozenset({"BTC/USDT"}), 0)
    eth = account.queue(ORDERS, frozenset({"ETH/USDT"}), 0)
    strategy = account.queue(ORDERS, ALL, 3)
    account.apply_frame(event(1, order(1, symbol="btc/usdt")))
    account.apply_frame(event(2, order(1, id=43, symbol="ETH/USDT", strategy_id=3)))
    assert (take(btc), take(eth), take(strategy)) == ([(42, 1)], [(43, 1)], [(43, 1)])


def test_several_events_of_one_version_are_all_take() -> None:
    account = new_cache()
    queue = account.queue(ORDERS, ALL, 0)
    account.apply_frame(event(1, order(1, exec_type="new")))
    account.apply_frame(event(2, order(1, exec_type="trade")))
    assert take(queue) == [(42, 1), (42, 1)]


def test_an_event_already_contained_in_a_snapshot_is_dropped() -> None:
    account = new_cache()
    queue = account.queue(ORDERS, ALL, 0)
    account.apply_snapshot(ORDERS, [order(3)])
    account.apply_frame(event(5, order(2)))
    account.apply_frame(event(6, order(3)))
    account.apply_frame(event(7, order(4)))
    account.apply_snapshot(ORDERS, [order(4)])
    assert take(queue) == [(42, 3), (42, 4)]


def test_trades_without_a_version_are_compared_by_value() -> None:
    account = new_cache()
    queue = account.queue(TRADES, ALL, 0)
    account.apply_snapshot(TRADES, [DEAL])
    account.apply_frame(event(5, DEAL, "deal_updated"))
    account.apply_frame(event(6, {**DEAL, "strategy_id": 9, "position_id": 4}, "deal_updated"))
    assert take(queue) == [(9, None), (9, None)]


def test_a_deleted_row_is_returned_with_its_flag() -> None:
    account = new_cache()
    queue = account.queue(POSITIONS, ALL, 0)
    account.apply_frame(snapshot(1, POSITION, name="snapshot_open_positions"))
    queue.pending.clear()
    deleted = {**POSITION, "__deleted": True, "position_id": 3}
    account.apply_frame(event(2, deleted, "position_deleted"))
    assert queue.pending[0]["__deleted"] is True
    assert not account.queue(POSITIONS, frozenset({"BTC/USDT"}), 0).pending, "it is not open"


def test_a_sequence_gap_is_detected_by_prev_seq() -> None:
    account = new_cache()
    account.apply_frame(snapshot(10))
    account.apply_frame(event(15, order(1), prev_seq=10))
    with pytest.raises(EventGap):
        account.apply_frame(event(18, order(2), prev_seq=17))
    assert account.seq == 15


def test_frames_of_another_account_are_ignored() -> None:
    account = new_cache()
    queue = account.queue(ORDERS, ALL, 0)
    account.apply_frame({**event(1, order(1)), "account_id": 8})
    assert (take(queue), account.seq) == ([], None)


def test_after_a_gap_rows_missing_in_the_snapshot_are_read() -> None:
    account = new_cache()
    queue = account.queue(ORDERS, ALL, 0)
    account.apply_frame(snapshot(10, order(1), order(1, id=43)))
    take(queue)
    account.apply_frame({"event": "gap", "payload": {"account_id": 7, "from": 11, "to": 90}})
    account.apply_frame(snapshot(3, order(2, id=43)))  # restored from a backup: lower numbers
    assert (take(queue), account.unlisted, account.seq) == ([(43, 2)], {("orders", "42")}, 3)
    account.apply_row(ORDERS, order(2, status="CANCELED"))
    assert (take(queue), account.unlisted) == ([(42, 2)], set())


def mark(price: str, position_id: int = 8) -> dict[str, Any]:
    row = {"account_id": 7, "position_id": position_id, "qty": "-1", "mark_price": price}
    marks = [{**row, "unrealized_pnl": "5"}]
    return {"event": "positions_marked", "payload": {"account_id": 7, "marks": marks}}


def test_marks_are_for_watches_that_want_them_and_only_the_newest_is_kept() -> None:
    account = new_cache()
    position = {"id": 8, "symbol": "BTC/USDT", "qty": "1", "version": 1, "state": "OPEN"}
    account.apply_frame(snapshot(10, position, name="snapshot_open_positions"))
    plain, marked = (account.queue(POSITIONS, ALL, 0, with_marks=each) for each in (False, True))
    other = account.queue(POSITIONS, frozenset({"ETH/USDT"}), 0, with_marks=True)
    assert account.wants_marks and take(plain) == take(marked) == [(8, 1)]
    for price in ("100", "101"):
        account.apply_frame(mark(price))
    account.apply_frame(mark("1", position_id=9))
    row = marked.next_row()
    assert row == {**position, "mark_price": "101", "unrealized_pnl": "5"}
    assert [queue.next_row() for queue in (marked, plain, other)] == [None, None, None]
    account.apply_frame(mark("102"))
    closed = {**position, "version": 2, "state": "CLOSED"}
    account.apply_frame(event(11, closed, name="position_updated"))
    assert [marked.next_row(), marked.next_row()] == [closed, None], "the mark is of version 1"
    account.apply_frame(mark("103"))
    assert marked.next_row() is None
    account.remove_queues(POSITIONS)
    assert not account.wants_marks


def test_a_full_queue_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_cache, "PENDING_ROWS_MAX", 2)
    account = new_cache()
    queue = account.queue(ORDERS, ALL, 0)
    for seq in range(1, 4):
        account.apply_frame(event(seq, order(seq)))
    assert (len(queue.pending), queue.has_overflowed) == (2, True)
    account.remove_queue(queue)
    assert take(account.queue(ORDERS, ALL, 0)) == [(42, 3)]


def test_closed_rows_are_evicted_and_open_rows_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_cache, "CLOSED_ROWS_MAX", 5)
    account = new_cache()
    for number in range(50):
        account.apply_frame(
            event(number + 1, order(1, id=number, status="FILLED" if number else "NEW"))
        )
    assert len(account._rows[ORDERS]) == 6
    assert take(account.queue(ORDERS, ALL, 0)) == [(0, 1)]


def test_extract_rows() -> None:
    frame = snapshot(1, ORDER, {**ORDER, "symbol": "ETH/USDT"})
    assert extract_rows(ORDERS, frame, frozenset({"BTC/USDT"})) == [ORDER]
    assert len(extract_rows(ORDERS, frame)) == 2
    assert extract_rows(POSITIONS, frame) == []
    assert extract_rows(TRADES, event(1, DEAL, "deal_updated")) == [DEAL]
    assert extract_rows(TRADES, {"event": "deal_updated", "payload": None}) == []


def run_poll(account: AccountCache, *answers: Any) -> list[str]:
    """Runs one poll with these responses (or errors); returns the requested paths."""
    context = CallContext(
        account_id=7,
        strategy_id=0,
        timeout_seconds=1,
        structures=StructureBuilder(),
        clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
    )
    flow, paths, responses = poll(account, context, 1.5), [], list(answers)
    request = next(flow, None)
    while request is not None:
        query = "&".join(f"{key}={value}" for key, value in request.query.items())
        paths.append(f"{request.path}?{query}" if "events" in request.path else request.path)
        response = responses.pop(0)
        try:
            is_error = isinstance(response, Exception)
            request = flow.throw(response) if is_error else flow.send(response)
        except StopIteration:
            request = None
    assert responses == []
    return paths


def test_polling_reads_the_lists_once_and_then_the_events() -> None:
    account = new_cache()
    queue = account.queue(ORDERS, ALL, 0)
    head = {"heads": {"7": 10}, "items": []}
    assert run_poll(account, head, {"items": [order(1)]})[1:] == ["/oms/orders/open"]
    assert (take(queue), account.seq) == ([(42, 1)], 10)
    events = {"items": [event(12, order(2))], "next_after": "7:14", "gaps": []}
    (path,) = run_poll(account, events)
    assert "after=7:10&namespaces=position" in path and "wait_ms=1500" in path
    assert (take(queue), account.seq) == ([(42, 2)], 14)


def test_polling_without_event_numbers_compares_lists() -> None:
    account = new_cache()
    queue = account.queue(ORDERS, ALL, 0)
    run_poll(account, RuntimeError("no such route"), {"items": [order(1)]})
    run_poll(account, {}, {"items": [order(1)]})
    assert take(queue) == [(42, 1)]
    closed = {"items": [order(3, status="FILLED")]}
    assert run_poll(account, {}, {"items": []}, closed)[-1] == "/oms/orders/42"
    assert take(queue) == [(42, 3)]


def test_polling_after_a_gap_reads_the_lists_again() -> None:
    account = new_cache()
    account.queue(TRADES, ALL, 0)
    run_poll(account, {"heads": {"7": 10}}, {"items": [DEAL]})
    gap = {"items": [], "gaps": [{"account_id": 7}], "next_after": "7:90"}
    assert run_poll(account, gap, {"items": []})[1:] == ["/oms/deals"]
    assert account.seq is None
    run_poll(account, {"heads": {"7": 90}}, {"items": []})
    assert account.seq == 90
