"""Execution quality over HTTP."""

from typing import Any

from kit.databases.sql import execute
from kit.gateway.manual_trading import SPOT, ManualTrading


async def _quality(trading: ManualTrading, account: int, more: str = "") -> Any:
    return await trading.get(account, f"/analytics/execution?account_ids={account}{more}")


async def _order_ids(trading: ManualTrading, account: int) -> list[int]:
    path = f"/oms/orders/history?account_ids={account}&days=1"
    return [row["id"] for row in (await trading.get(account, path))["items"]]


async def test_slippage_of_market_orders(trading: ManualTrading) -> None:
    account = await trading.add_account()
    empty = await _quality(trading, account)
    assert (empty["orders"], empty["avg_slippage_bps"], empty["slippage"]) == (0, None, {})
    body = {"account_id": account, "symbol": SPOT, "bid": "99", "ask": "101"}
    key = trading.keys[account]
    assert (await trading.gateway.client("POST", "/paper/price", body, key=key)).status == 200
    await trading.trade(account, "buy", "2")
    await trading.trade(account, "sell", "1")
    bought, _ = await _order_ids(trading, account)
    summary = (await trading.get(account, f"/oms/orders/{bought}/timeline"))["summary"]
    assert (summary["arrival_price"], summary["avg_fill_price"]) == ("100", "101")
    assert (summary["slippage_bps"], summary["slippage"]) == ("100", "2")
    assert (summary["send_ms"], summary["exchange_ms"]) == (None, None)
    figures = await _quality(trading, account, "&group_by=strategy")
    assert (figures["orders"], figures["measured_orders"]) == (2, 2)
    assert (figures["avg_slippage_bps"], figures["slippage"]) == ("100", {"USDT": "3"})
    (group,) = figures["groups"]
    assert group == {"key": 0} | {
        name: figure for name, figure in figures.items() if name not in ("group_by", "groups")
    }
    assert (await _quality(trading, account, "&to=1"))["orders"] == 0
    for group_by, expected in (("symbol", SPOT), ("exchange", "paper")):
        (group,) = (await _quality(trading, account, f"&group_by={group_by}"))["groups"]
        assert str(group["key"]).startswith(expected)


async def test_times_of_the_request_to_the_exchange(trading: ManualTrading, dsn: str) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.trade(account, "buy", "1")
    (order_id,) = await _order_ids(trading, account)
    moved = {"created_at": "12:00:00.000", "sent_at": "12:00:00.250", "acked_at": "12:00:01.000"}
    day = "2026-03-01"
    execute(dsn, f"UPDATE oms_orders SET created_at = '{day} {moved['created_at']}000'")
    names = "order_id, attempt, kind, account_id, client_id, request_json, may_send_until"
    execute(
        dsn,
        f"INSERT INTO oms_order_attempts ({names}, sent_at, acked_at, created_at) VALUES"
        f" ({order_id}, 1, 'place', {account}, 'c1', '{{}}', '{day} 12:00:09.000000',"
        f" '{day} {moved['sent_at']}000', '{day} {moved['acked_at']}000',"
        f" '{day} 12:00:00.000000')",
    )
    summary = (await trading.get(account, f"/oms/orders/{order_id}/timeline"))["summary"]
    assert (summary["send_ms"], summary["exchange_ms"]) == (250, 750)
    figures = await _quality(trading, account)
    assert (figures["avg_send_ms"], figures["avg_exchange_ms"]) == ("250", "750")


async def test_orders_of_one_source_exchange_and_strategy(trading: ManualTrading, dsn: str) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100")
    await trading.trade(account, "buy", "2")
    await trading.trade(account, "sell", "1")
    bought, _ = await _order_ids(trading, account)
    execute(dsn, f"UPDATE oms_orders SET source_id = 7 WHERE id = {bought}")
    grouped = await _quality(trading, account, "&group_by=source")
    assert [(group["key"], group["orders"]) for group in grouped["groups"]] == [(0, 1), (7, 1)]
    for query, orders in (
        ("source_id=7", 1),
        ("source_id=0", 1),
        ("source_id=8", 0),
        ("exchange=binance", 2),
        ("exchange=paper.binance", 2),
        ("exchange=kraken", 0),
        ("strategy_id=0", 2),
        ("strategy_id=3", 0),
    ):
        assert (await _quality(trading, account, f"&{query}"))["orders"] == orders, query


async def test_malformed_groups_and_unreadable_accounts(trading: ManualTrading) -> None:
    account, other = await trading.add_account(), await trading.add_account()
    key = trading.keys[account]
    for path, status in (
        (f"?account_ids={account}&group_by=day", 422),
        (f"?account_ids={account}&from=2&to=1", 422),
        (f"?account_ids={account}&source_id=x", 422),
        (f"?account_ids={other}", 403),
        ("", 422),
    ):
        answer = await trading.gateway.client("GET", f"/analytics/execution{path}", key=key)
        assert answer.status == status, path
