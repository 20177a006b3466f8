"""Discrepancies: corrected, dismissed, or resolved by later executions."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import TRADER, InProcessGateway
from oms.adapters.paper.paper_engine import PaperEngine
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.cli.replay import build_replay_report
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.access import Grant
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.services.reconcile import compare, diff
from oms.simulation.state.paper_account import Balance

KEY = "oms_a-sweeper-for-tests-only"
RISK = "oms_a-risk-key-for-tests-only"
SYMBOL = "BTC/USDT:USDT"
MANUAL = '{"oms":{"paper":{"source":"manual"},"policies":{"position_differs":"%s"}}}'


async def _account(
    gateway: InProcessGateway, policy: str = "quarantine", mode: str = "netting"
) -> int:
    account_id = await gateway.add_account(mode, MANUAL % policy)
    await gateway.add_key("sweeper", KEY, grants={account_id: TRADER})
    watcher = Grant(can_risk_manage=True, can_block_new_positions=True)
    await gateway.add_key("watcher", RISK, role="risk", grants={account_id: watcher})
    body = {"account_id": account_id, "symbol": SYMBOL, "price": "50000"}
    assert (await gateway.client("POST", "/paper/price", body, key=KEY)).status == 200
    assert (await _send(gateway, account_id, qty="0.01")).status == 200
    return account_id


async def _send(gateway: InProcessGateway, account_id: int, **payload: Any) -> Any:
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market"} | payload
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    return await gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)


async def _reconcile(gateway: InProcessGateway, account_id: int) -> dict[str, Any]:
    answer = await gateway.client("POST", "/oms/reconcile", {"account_id": account_id}, key=KEY)
    assert answer.status == 200, answer.body
    result: dict[str, Any] = answer.json()["results"][0]
    return result


async def _inbox(gateway: InProcessGateway, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await gateway.client.get(f"/oms/discrepancies?{query}", key=KEY)
    )["items"]
    return found


async def _decide(
    gateway: InProcessGateway,
    row: dict[str, Any],
    answer: str,
    comment: str | None = None,
    key: str = KEY,
) -> Any:
    path = f"/oms/discrepancies/{row['id']}/{answer}?wait_ms=8000"
    return await gateway.client("POST", path, {"comment": comment}, key=key)


def _engine(gateway: InProcessGateway, account_id: int) -> PaperEngine:
    exchange = gateway.worker.processor.states[account_id].exchange
    assert isinstance(exchange, PaperExchange)
    return exchange._engine


def _hold(gateway: InProcessGateway, account_id: int, qty: str) -> None:
    """Set a position quantity at the exchange that its executions do not explain."""
    engine = _engine(gateway, account_id)
    held = {key: evolve(each, qty=Decimal(qty)) for key, each in engine.state.positions.items()}
    engine.state = evolve(engine.state, positions=held)


def _age(dsn: str) -> None:
    """Move the first observation of discrepancies into the past."""
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")


async def _differing(
    gateway: InProcessGateway, dsn: str, account_id: int, qty: str = "0.5"
) -> dict[str, Any]:
    """Return the one open discrepancy."""
    _hold(gateway, account_id, qty)
    await _reconcile(gateway, account_id)
    _age(dsn)
    await _reconcile(gateway, account_id)
    (row,) = await _inbox(gateway)
    return row


async def _held(gateway: InProcessGateway, account_id: int) -> Decimal:
    path = f"/oms/positions/open?account_ids={account_id}"
    found = (await gateway.client.get(path, key=KEY))["items"]
    signs = {"buy": 1, "sell": -1}
    return sum((Decimal(row["qty"]) * signs[row["side"]] for row in found), Decimal(0))


async def _sound(gateway: InProcessGateway) -> None:
    """Check that verify has no finding and replay has no difference."""
    checked = await build_verify_report(gateway.store, Settings())
    assert checked["ok"], [row["findings"] for row in checked["accounts"]]
    for account in checked["accounts"]:
        if account["account_id"]:
            answer = await build_replay_report(gateway.store, account["account_id"])
            assert answer["differences"] == []


async def _quarantine(gateway: InProcessGateway, account_id: int) -> str | None:
    accounts = (await gateway.client.get("/oms/accounts", key=KEY))["items"]
    (mine,) = (row for row in accounts if row["account_id"] == account_id)
    result: str | None = mine["quarantine"]
    return result


async def test_key_restricted_to_strategies_neither_reads_nor_decides(
    busy: InProcessGateway, dsn: str
) -> None:
    account = await _account(busy)
    row = await _differing(busy, dsn, account)
    watching = evolve(TRADER, can_risk_manage=True, can_block_new_positions=True)
    restricted = evolve(watching, restrict_to_strategies=True, strategy_ids=frozenset({0}))
    key = await busy.add_key("narrow", "oms_key-of-one-strategy", grants={account: restricted})
    assert (await busy.client.get("/oms/discrepancies?status=all", key=key))["items"] == []
    for decision in ("apply", "dismiss"):
        refused = await _decide(busy, row, decision, "not mine", key)
        assert (refused.status, refused.detail["code"]) == (403, "strategy_permission_denied")
    assert [each["status"] for each in await _inbox(busy, "status=all")] == ["open"]


async def test_account_is_reduce_only_until_the_correction_balances(
    busy: InProcessGateway, dsn: str
) -> None:
    account = await _account(busy)
    row = await _differing(busy, dsn, account)
    assert (row["class"], row["policy"], row["status"]) == (
        *("position_differs", "quarantine", "open"),
    )
    assert (row["fix"]["side"], row["fix"]["qty"]) == ("buy", "0.49")
    assert await _quarantine(busy, account) == "position_differs"

    refused = (await _send(busy, account, qty="0.01")).json()["detail"]
    assert (refused["code"], refused["reason"]) == ("risk_blocked", "account_quarantined")
    reduced = await _send(busy, account, side="sell", qty="0.001", reduce_only=True)
    assert reduced.json()["results"][0]["ok"], reduced.body

    stale = await _decide(busy, row, "apply")
    assert (stale.status, stale.json()["detail"]["reason"]) == (409, "changed_meanwhile")
    await _reconcile(busy, account)
    done = await _decide(busy, row, "apply", "the exchange is right")
    assert done.status == 200, done.body
    item = done.json()["item"]
    assert (item["status"], item["decided_by"]) == ("applied", "sweeper")
    assert item["fix"]["trade_id"].startswith("syn-")
    assert await _held(busy, account) == Decimal("0.499")
    assert await _quarantine(busy, account) is None
    assert (await _send(busy, account, qty="0.01")).json()["results"][0]["ok"]

    order = (await busy.client.get(f"/oms/orders/{item['fix']['order_id']}", key=KEY))["items"][0]
    assert (order["strategy_id"], order["reason"], order["reconciled"]) == (0, "external", False)
    audit = fetch_rows(dsn, f"SELECT action FROM audit_log WHERE account_id = {account}")
    assert [each[0] for each in audit].count("quarantine") == 2
    assert [each[0] for each in audit].count("discrepancy_apply") == 1


async def test_correction_is_reverted_by_dismissal(busy: InProcessGateway, dsn: str) -> None:
    account = await _account(busy, "ask")
    row = await _differing(busy, dsn, account)
    assert await _quarantine(busy, account) is None
    assert (await _decide(busy, row, "apply")).status == 200
    again = await _decide(busy, row, "apply")
    assert (again.status, again.json()["detail"]["reason"]) == (409, "already_decided")
    undone = await _decide(busy, row, "dismiss")
    assert undone.json()["item"]["status"] == "reversed"
    assert await _held(busy, account) == Decimal("0.01")


async def test_correction_is_replaced_when_the_execution_is_reported(
    busy: InProcessGateway, dsn: str
) -> None:
    account = await _account(busy, "auto")
    _hold(busy, account, "0.5")
    await _reconcile(busy, account)
    _age(dsn)
    await _reconcile(busy, account)
    (applied,) = await _inbox(busy, "status=applied")
    assert (applied["decided_by"], await _held(busy, account)) == ("policy auto", Decimal("0.5"))

    _hold(busy, account, "0.01")
    await _reconcile(busy, account)
    assert await _held(busy, account) == Decimal("0.5")
    _age(dsn)
    await _reconcile(busy, account)
    assert await _held(busy, account) == Decimal("0.01")
    (first,) = await _inbox(busy, "status=reversed")
    assert first["id"] == applied["id"]


async def test_correction_is_reverted_when_the_execution_arrives(
    busy: InProcessGateway, dsn: str
) -> None:
    account = await _account(busy, "ask")
    late = {"order_type": "limit", "price": "49000", "params": {"sim": "late_fill"}}
    assert (await _send(busy, account, qty="0.49", **late)).status == 200
    row = await _differing(busy, dsn, account)
    assert (await _decide(busy, row, "apply")).status == 200
    body = {"account_id": account, "symbol": SYMBOL, "price": "48000"}
    assert (await busy.client("POST", "/paper/price", body, key=KEY)).status == 200
    _hold(busy, account, "0.5")  # the unreported fill is the corrected difference
    assert (await _reconcile(busy, account))["new_deals"] == 1
    assert await _held(busy, account) == Decimal("0.5")
    (first,) = await _inbox(busy, "status=reversed")
    assert first["id"] == row["id"]
    assert await _inbox(busy, "status=open,pending") == []


async def test_dismissed_discrepancy_stays_dismissed_while_unchanged(
    busy: InProcessGateway, dsn: str
) -> None:
    account = await _account(busy)
    row = await _differing(busy, dsn, account)
    silent = await _decide(busy, row, "dismiss", key=RISK)
    assert silent.json()["detail"]["code"] == "comment_required"
    assert (
        await _decide(busy, row, "dismiss", "no", key=KEY)
    ).status == 403  # set by another command
    done = await _decide(busy, row, "dismiss", "a known gift", key=RISK)
    assert done.json()["item"]["status"] == "dismissed", done.body
    assert await _quarantine(busy, account) is None
    await _reconcile(busy, account)
    _age(dsn)
    assert (await _reconcile(busy, account))["discrepancies"] == 0

    _hold(busy, account, "0.6")
    await _reconcile(busy, account)
    _age(dsn)
    assert (await _reconcile(busy, account))["discrepancies"] == 1
    assert await _quarantine(busy, account) == "position_differs"
    _hold(busy, account, "0.01")
    await _reconcile(busy, account)
    assert await _inbox(busy) == []
    assert await _quarantine(busy, account) is None


async def test_changed_execution_is_replaced(busy: InProcessGateway, dsn: str) -> None:
    account = await _account(busy)
    execute(dsn, f"UPDATE oms_deals SET price = '49000' WHERE account_id = {account}")
    await _reconcile(busy, account)
    _age(dsn)
    await _reconcile(busy, account)
    (row,) = await _inbox(busy, "class=deal_differs")
    assert (row["evidence"]["booked"]["price"], row["evidence"]["told"]["price"]) == (
        *("49000", "50000"),
    )
    assert (await _decide(busy, row, "apply")).status == 200
    path = f"/oms/positions/open?account_ids={account}"
    (position,) = (await busy.client.get(path, key=KEY))["items"]
    assert (position["qty"], position["avg_price"]) == ("0.01", "50000")
    _age(dsn)
    assert (await _reconcile(busy, account))["discrepancies"] == 0


async def test_unreported_execution_is_reverted(
    busy: InProcessGateway, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diff, "_CLOCK_MARGIN", timedelta())
    for module in (diff, compare):
        monkeypatch.setattr(module, "HISTORY_LAG", timedelta())
    account = await _account(busy, "ask")
    assert (await _send(busy, account, qty="0.02")).status == 200
    trades = _engine(busy, account)._trades
    lost = trades.pop()
    await _reconcile(busy, account)
    _age(dsn)
    await _reconcile(busy, account)
    (row,) = await _inbox(busy, "class=deal_extra")
    assert row["evidence"]["booked"]["qty"] == "0.02"
    assert (await _decide(busy, row, "apply")).status == 200
    assert await _held(busy, account) == Decimal("0.01")
    assert await _inbox(busy, "class=deal_extra") == []
    assert lost is not None


async def test_vanished_order_ends_by_decision(
    busy: InProcessGateway, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diff, "HISTORY_LAG", timedelta())
    account = await _account(busy, "ask")
    resting = (await _send(busy, account, order_type="limit", price="40000", qty="0.01")).json()
    order_id = resting["results"][0]["order_id"]
    engine = _engine(busy, account)
    engine.state = evolve(engine.state, orders={})
    exchange = busy.worker.processor.states[account].exchange

    async def nothing(order: Order, now: datetime) -> list[ExecutionReport]:
        return []

    monkeypatch.setattr(exchange, "query_order", nothing)
    await _reconcile(busy, account)
    _age(dsn)
    await _reconcile(busy, account)
    (row,) = await _inbox(busy, "class=order_vanished")
    assert row["evidence"]["order_id"] == order_id
    assert (await _decide(busy, row, "apply")).status == 200
    order = (await busy.client.get(f"/oms/orders/{order_id}", key=KEY))["items"][0]
    assert order["status"] == "CANCELED"


async def test_spot_balance_difference_is_booked(busy: InProcessGateway, dsn: str) -> None:
    extra = '{"oms":{"paper":{"source":"manual","balances":{"USDT":"100000","SOL":"5"}}}}'
    account = await busy.add_account("netting", extra)
    await busy.add_key("sweeper", KEY, grants={account: TRADER})
    body = {"account_id": account, "symbol": "SOL/USDT", "price": "150"}
    assert (await busy.client("POST", "/paper/price", body, key=KEY)).status == 200
    await _reconcile(busy, account)
    engine = _engine(busy, account)
    more = {**engine.state.balances, "SOL": Balance(free=Decimal(10))}
    engine.state = evolve(engine.state, balances=more)
    await _reconcile(busy, account)
    _age(dsn)
    await _reconcile(busy, account)
    (row,) = await _inbox(busy)
    assert (row["class"], row["symbol"], row["policy"]) == ("balance_differs", "SOL", "ask")
    assert row["fix"]["amount"] == "5"
    assert (await _decide(busy, row, "apply")).status == 200
    entry = fetch_rows(dsn, f"SELECT type, symbol, pnl FROM oms_deals WHERE account_id = {account}")
    assert [(kind, symbol, Decimal(amount)) for kind, symbol, amount in entry] == [
        ("balance", "SOL", Decimal(5))
    ]
    assert (await _send(busy, account, symbol="SOL/USDT", qty="1")).status == 200
    await _reconcile(busy, account)
    assert await _inbox(busy, "status=pending,open") == []
    await _sound(busy)
    undone = await _decide(busy, row, "dismiss")
    assert undone.json()["item"]["status"] == "reversed"
    await _reconcile(busy, account)
    (again,) = await _inbox(busy, "status=pending")
    assert again["evidence"]["exchange_total"] == "5.999"


async def test_smaller_hedge_leg_is_closed_oldest_first(busy: InProcessGateway, dsn: str) -> None:
    account = await _account(busy, "ask", mode="hedge")
    assert (await _send(busy, account, qty="0.02", new_position=True)).status == 200
    engine = _engine(busy, account)
    before = engine.state.positions
    held = {key: evolve(each, qty=Decimal("0.015")) for key, each in engine.state.positions.items()}
    assert len(held) == 1
    engine.state = evolve(engine.state, positions=held)
    await _reconcile(busy, account)
    _age(dsn)
    await _reconcile(busy, account)
    (row,) = await _inbox(busy)
    assert (row["evidence"]["side"], row["fix"]["side"], row["fix"]["qty"]) == (
        *("buy", "sell", "0.015"),
    )
    assert (await _decide(busy, row, "apply")).status == 200
    path = f"/oms/positions/open?account_ids={account}"
    (left,) = (await busy.client.get(path, key=KEY))["items"]
    assert (left["side"], left["qty"]) == ("buy", "0.015")
    assert (await _decide(busy, row, "dismiss")).status == 200
    assert await _held(busy, account) == Decimal("0.03")
    engine.state = evolve(engine.state, positions=before)
    await _sound(busy)


async def test_discrepancies_are_filtered_and_paged(busy: InProcessGateway, dsn: str) -> None:
    account = await _account(busy)
    await _differing(busy, dsn, account)
    assert len(await _inbox(busy, f"account_ids={account}&class=position_differs")) == 1
    assert await _inbox(busy, "class=balance_differs") == []
    assert await _inbox(busy, "status=closed") == []
    page = await busy.client.get("/oms/reconcile/inbox?limit=1&status=all", key=KEY)
    assert len(page["items"]) == 1
    after = await busy.client.get(
        f"/oms/reconcile/inbox?limit=1&status=all&cursor={page['next_cursor']}", key=KEY
    )
    assert after["items"] == []
    wrong = await busy.client("GET", "/oms/discrepancies?status=odd", key=KEY)
    assert wrong.status == 422
    assert (await busy.client("POST", "/oms/discrepancies/999/apply", {}, key=KEY)).status == 404
