"""What watchers are told: everything, once, whichever way and however often it arrives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ccxt_driver.sansio import account_cache as module
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


def following() -> AccountCache:
    return AccountCache(account_id=7)


def order(version: int, **told: Any) -> dict[str, Any]:
    return {**ORDER, "version": version, **told}


def event(seq: int, row: Any, name: str = "order_updated", **told: Any) -> dict[str, Any]:
    return {"event": name, "account_id": 7, "seq": seq, "payload": row, **told}


def snapshot(seq: int, *rows: Any, name: str = "snapshot_open_orders") -> dict[str, Any]:
    return {"event": name, "payload": {"account_id": 7, "items": list(rows), "seq": seq}}


def told(watcher: WatchQueue) -> list[Any]:
    rows = [(row["id"], row.get("version")) for row in watcher.waiting]
    watcher.waiting.clear()
    return rows


def test_the_snapshot_comes_first_and_an_event_is_told_once() -> None:
    account = following()
    watcher = account.watcher(ORDERS, ALL, 0)
    account.take(snapshot(10, order(1)))
    assert told(watcher) == [(42, 1)]
    for frame in (
        event(9, order(0)),
        event(10, order(1)),
        event(11, order(2)),
        event(11, order(2)),
    ):
        account.take(frame)
    assert told(watcher) == [(42, 2)]
    assert account.watcher(ORDERS, ALL, 0) is watcher


def test_a_question_asked_later_begins_with_what_is_open_now() -> None:
    account = following()
    account.take(snapshot(10, order(1), order(1, id=43)))
    account.take(event(11, order(2, status="FILLED")))
    assert told(account.watcher(ORDERS, ALL, 0)) == [(43, 1)]


def test_two_questions_are_told_each_its_own() -> None:
    account = following()
    here = account.watcher(ORDERS, frozenset({"BTC/USDT"}), 0)
    there = account.watcher(ORDERS, frozenset({"ETH/USDT"}), 0)
    mine = account.watcher(ORDERS, ALL, 3)
    account.take(event(1, order(1, symbol="btc/usdt")))
    account.take(event(2, order(1, id=43, symbol="ETH/USDT", strategy_id=3)))
    assert (told(here), told(there), told(mine)) == ([(42, 1)], [(43, 1)], [(43, 1)])


def test_several_events_of_one_version_are_all_told() -> None:
    account = following()
    watcher = account.watcher(ORDERS, ALL, 0)
    account.take(event(1, order(1, exec_type="new")))
    account.take(event(2, order(1, exec_type="trade")))
    assert told(watcher) == [(42, 1), (42, 1)]


def test_an_event_that_a_list_told_before_is_no_news() -> None:
    account = following()
    watcher = account.watcher(ORDERS, ALL, 0)
    account.apply_snapshot(ORDERS, [order(3)])
    account.take(event(5, order(2)))
    account.take(event(6, order(3)))
    account.take(event(7, order(4)))
    account.apply_snapshot(ORDERS, [order(4)])
    assert told(watcher) == [(42, 3), (42, 4)]


def test_trades_without_a_version_are_compared() -> None:
    account = following()
    watcher = account.watcher(TRADES, ALL, 0)
    account.apply_snapshot(TRADES, [DEAL])
    account.take(event(5, DEAL, "deal_updated"))
    account.take(event(6, {**DEAL, "strategy_id": 9, "position_id": 4}, "deal_updated"))
    assert told(watcher) == [(9, None), (9, None)]


def test_a_row_that_is_deleted_is_told_with_its_mark() -> None:
    account = following()
    watcher = account.watcher(POSITIONS, ALL, 0)
    account.take(snapshot(1, POSITION, name="snapshot_open_positions"))
    watcher.waiting.clear()
    gone = {**POSITION, "__deleted": True, "position_id": 3}
    account.take(event(2, gone, "position_deleted"))
    assert watcher.waiting[0]["__deleted"] is True
    assert not account.watcher(POSITIONS, frozenset({"BTC/USDT"}), 0).waiting, "it is not open"


def test_numbers_that_jump_because_of_filters_lose_nothing_but_others_do() -> None:
    account = following()
    account.take(snapshot(10))
    account.take(event(15, order(1), prev_seq=10))
    with pytest.raises(EventGap):
        account.take(event(18, order(2), prev_seq=17))
    assert account.seq == 15


def test_another_account_is_another_matter() -> None:
    account = following()
    watcher = account.watcher(ORDERS, ALL, 0)
    account.take({**event(1, order(1)), "account_id": 8})
    assert (told(watcher), account.seq) == ([], None)


def test_after_a_gap_the_snapshot_says_what_is_over() -> None:
    account = following()
    watcher = account.watcher(ORDERS, ALL, 0)
    account.take(snapshot(10, order(1), order(1, id=43)))
    told(watcher)
    account.take({"event": "gap", "payload": {"account_id": 7, "from": 11, "to": 90}})
    account.take(snapshot(3, order(2, id=43)))  # restored from a backup: it begins lower
    assert (told(watcher), account.unlisted, account.seq) == ([(43, 2)], {("orders", "42")}, 3)
    account.apply_row(ORDERS, order(2, status="CANCELED"))
    assert (told(watcher), account.unlisted) == ([(42, 2)], set())


def test_who_never_asks_again_is_told_what_he_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PENDING_ROWS_MAX", 2)
    account = following()
    watcher = account.watcher(ORDERS, ALL, 0)
    for seq in range(1, 4):
        account.take(event(seq, order(seq)))
    assert (len(watcher.waiting), watcher.has_overflowed) == (2, True)
    account.forget(watcher)
    assert told(account.watcher(ORDERS, ALL, 0)) == [(42, 3)]


def test_memory_has_a_limit_and_what_is_open_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSED_ROWS_MAX", 5)
    account = following()
    for number in range(50):
        account.take(event(number + 1, order(1, id=number, status="FILLED" if number else "NEW")))
    assert len(account._told[ORDERS]) == 6
    assert told(account.watcher(ORDERS, ALL, 0)) == [(0, 1)]


def test_rows_of_a_frame() -> None:
    frame = snapshot(1, ORDER, {**ORDER, "symbol": "ETH/USDT"})
    assert extract_rows(ORDERS, frame, frozenset({"BTC/USDT"})) == [ORDER]
    assert len(extract_rows(ORDERS, frame)) == 2
    assert extract_rows(POSITIONS, frame) == []
    assert extract_rows(TRADES, event(1, DEAL, "deal_updated")) == [DEAL]
    assert extract_rows(TRADES, {"event": "deal_updated", "payload": None}) == []


def polled(account: AccountCache, *answers: Any) -> list[str]:
    """The paths that one round asks, given these answers in turn."""
    terms = CallContext(
        account_id=7,
        strategy_id=0,
        timeout_seconds=1,
        shapes=StructureBuilder(),
        clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
    )
    plan, asked, given = poll(account, terms, 1.5), [], list(answers)
    request = next(plan, None)
    while request is not None:
        query = "&".join(f"{key}={value}" for key, value in request.query.items())
        asked.append(f"{request.path}?{query}" if "events" in request.path else request.path)
        answer = given.pop(0)
        try:
            bad = isinstance(answer, Exception)
            request = plan.throw(answer) if bad else plan.send(answer)
        except StopIteration:
            request = None
    assert given == []
    return asked


def test_polling_reads_the_lists_once_and_then_the_events() -> None:
    account = following()
    watcher = account.watcher(ORDERS, ALL, 0)
    head = {"heads": {"7": 10}, "items": []}
    assert polled(account, head, {"items": [order(1)]})[1:] == ["/oms/orders/open"]
    assert (told(watcher), account.seq) == ([(42, 1)], 10)
    events = {"items": [event(12, order(2))], "next_after": "7:14", "gaps": []}
    (asked,) = polled(account, events)
    assert "after=7:10&namespaces=position" in asked and "wait_ms=1500" in asked
    assert (told(watcher), account.seq) == ([(42, 2)], 14)


def test_polling_without_numbers_compares_lists() -> None:
    account = following()
    watcher = account.watcher(ORDERS, ALL, 0)
    polled(account, RuntimeError("no such route"), {"items": [order(1)]})
    polled(account, {}, {"items": [order(1)]})
    assert told(watcher) == [(42, 1)]
    over = {"items": [order(3, status="FILLED")]}
    assert polled(account, {}, {"items": []}, over)[-1] == "/oms/orders/42"
    assert told(watcher) == [(42, 3)]


def test_polling_over_a_gap_begins_anew() -> None:
    account = following()
    account.watcher(TRADES, ALL, 0)
    polled(account, {"heads": {"7": 10}}, {"items": [DEAL]})
    gap = {"items": [], "gaps": [{"account_id": 7}], "next_after": "7:90"}
    assert polled(account, gap, {"items": []})[1:] == ["/oms/deals"]
    assert account.seq is None
    polled(account, {"heads": {"7": 90}}, {"items": []})
    assert account.seq == 90
