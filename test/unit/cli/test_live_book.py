"""The books of ``oms watch`` after frames of the WebSocket."""

from typing import Any

from oms.cli.terminal.live_book import DEALS_MAX, LiveBook


def _snapshot(event: str, account_id: int, *rows: dict[str, Any], seq: int) -> dict[str, Any]:
    return {"event": event, "payload": {"account_id": account_id, "items": [*rows], "seq": seq}}


def _event(event: str, row: dict[str, Any], seq: int) -> dict[str, Any]:
    return {"event": event, "payload": row, "account_id": row["account_id"], "seq": seq}


def _order(number: int, status: str = "SUBMITTED", account_id: int = 1) -> dict[str, Any]:
    return {"id": number, "account_id": account_id, "status": status}


def _position(number: int, closed_at: str | None = None, side: str = "buy") -> dict[str, Any]:
    row = {"id": number, "account_id": 1, "symbol": "A/B", "side": side, "avg_price": "100"}
    return row | {"closed_at": closed_at}


def test_a_snapshot_replaces_the_rows_of_its_account_only() -> None:
    book = LiveBook()
    book.apply(_snapshot("snapshot_open_orders", 1, _order(1), _order(2), seq=5))
    book.apply(_snapshot("snapshot_open_orders", 2, _order(3, account_id=2), seq=9))
    book.apply(_snapshot("snapshot_open_orders", 1, _order(4), seq=7))
    assert sorted(book.orders) == [3, 4]
    assert book.last_seq == {"1": 7, "2": 9}


def test_rows_that_are_not_open_any_more_leave() -> None:
    book = LiveBook()
    book.apply(_event("order_updated", _order(1), 1))
    book.apply(_event("order_updated", _order(2), 2))
    book.apply(_event("order_updated", _order(1, "FILLED"), 3))
    book.apply(_event("position_updated", _position(5), 4))
    book.apply(_event("position_updated", _position(6), 5))
    book.apply(_event("position_updated", _position(5, "2026-11-22T17:50:24Z"), 6))
    assert (list(book.orders), list(book.positions)) == ([2], [6])
    assert book.last_seq == {"1": 6}


def test_the_last_deals_are_kept_newest_first_and_once() -> None:
    book = LiveBook()
    for number in range(DEALS_MAX + 3):
        book.apply(_event("deal_updated", {"id": number, "account_id": 1}, number + 1))
    newest = DEALS_MAX + 2
    book.apply(_event("deal_updated", {"id": newest, "account_id": 1, "pnl": "1"}, 90))
    book.apply(_event("deal_deleted", {"id": newest - 1, "account_id": 1}, 91))
    assert [deal["id"] for deal in book.deals][:2] == [newest, newest - 2]
    assert len(book.deals) == DEALS_MAX - 1


def test_a_position_moves_with_the_last_price() -> None:
    book = LiveBook()
    book.apply(_event("position_updated", _position(1), 1))
    book.apply(_event("position_updated", _position(2, side="sell"), 2))
    assert [row.get("move") for row in book.position_rows()] == [None, None]
    ticker = {"account_id": 1, "symbol": "A/B", "data": {"last": "101.5"}}
    book.apply({"event": "ticker_updated", "payload": ticker})
    assert [row["move"] for row in book.position_rows()] == ["+1.50 %", "-1.50 %"]
    assert set(book.symbols()) == {(1, "A/B")}
