"""Scheduled reconciliation by the account's worker."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_number, fetch_rows
from kit.exchanges.deferred_exchange import DeferredExchange, connect_deferred
from kit.gateway.in_process import InProcessGateway, now
from kit.ledger.stored_account import a_trade
from kit.polling import poll_until
from oms.domain.errors import Refused
from oms.domain.reconcile.position_comparison import Scope
from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals
from oms.ports.exchange import ExchangeSnapshot
from oms.services.account_state.pending import PendingReconcile
from oms.worker import reconcile_schedule
from oms.worker.reconcile_schedule import ReconcileScheduler

SYMBOL = "BTC/USDT:USDT"
WRITTEN = (
    *("oms_orders", "oms_deals", "oms_positions", "event_outbox", "reconcile_runs"),
    *("reconciliation_cursor", "discrepancies", "ccxt_orders_raw", "ccxt_trades_raw"),
)


@pytest.fixture
async def scheduled(gateway: InProcessGateway, dsn: str) -> AsyncIterator[InProcessGateway]:
    """A gateway that reconciles each second, at an asynchronous exchange."""
    execute(dsn, "UPDATE accounts SET reconcile_short_interval_seconds = 1")
    worker = gateway.worker
    worker.processor.connect = connect_deferred
    worker.reconcile_scheduler = ReconcileScheduler(
        processor=worker.processor, rows=gateway.store.reconcile_store
    )
    yield gateway


async def _status(gateway: InProcessGateway) -> dict[str, Any]:
    path = f"/oms/reconcile/{gateway.account_id}/status"
    row: dict[str, Any] = (await gateway.client.get(path))["items"][0]
    return row


def _exchange(gateway: InProcessGateway) -> DeferredExchange:
    exchange = gateway.worker.processor.states[gateway.account_id].exchange
    assert isinstance(exchange, DeferredExchange)
    return exchange


async def test_scheduled_reconcile_finds_missed_fills(
    scheduled: InProcessGateway, dsn: str
) -> None:
    scheduled.start_worker()
    await scheduled.set_price(SYMBOL, "50000")
    limit = {"order_type": "limit", "price": "49000", "params": {"sim": "late_fill"}}
    assert (await scheduled.order("?wait_ms=8000", **limit)).status == 200
    await scheduled.set_price(SYMBOL, "48000")  # it fills without a report

    async def deals() -> int:
        return fetch_number(dsn, "SELECT COUNT(*) FROM oms_deals")

    assert await poll_until(deals, bool) == 1
    scopes = fetch_rows(dsn, "SELECT scope FROM reconcile_runs")
    assert ("short",) in scopes


async def test_hundred_unchanged_reconciles_write_nothing(
    gateway: InProcessGateway, dsn: str
) -> None:
    gateway.worker.processor.connect = connect_deferred
    gateway.start_worker()
    await gateway.set_price(SYMBOL, "50000")
    assert (await gateway.order("?wait_ms=8000")).status == 200
    await gateway.order("?wait_ms=8000", order_type="limit", price="40000")
    asked = {"account_id": gateway.account_id}
    assert (await gateway.client("POST", "/oms/reconcile", asked)).status == 200
    await gateway.stop_worker()
    accounts = gateway.worker.processor
    await accounts.keeper.round(1)
    await accounts.load_leased_accounts([gateway.account_id])
    account = gateway.account_id
    before = {table: fetch_number(dsn, f"SELECT COUNT(*) FROM {table}") for table in WRITTEN}
    head = fetch_number(dsn, f"SELECT head_seq FROM account_streams WHERE account_id = {account}")
    cursor = fetch_rows(dsn, "SELECT * FROM reconciliation_cursor")
    for _ in range(100):
        assert (
            await accounts.reconcile_account(gateway.account_id, Scope.SHORT, ReconcileIntervals())
            is None
        )
        await accounts.poll_updates()
        await accounts.await_all_commits()
    assert {
        table: fetch_number(dsn, f"SELECT COUNT(*) FROM {table}") for table in WRITTEN
    } == before
    assert fetch_rows(dsn, "SELECT * FROM reconciliation_cursor") == cursor
    state = accounts.states[gateway.account_id]
    assert (state.head_seq, state.pending_reconciles) == (head, [])
    assert state.reconciled_until is not None and now() - state.reconciled_until < timedelta(
        seconds=10
    )
    await accounts.keeper.release_all()
    await accounts.evict_all()


async def test_a_pass_that_began_before_a_request_does_not_answer_it(
    gateway: InProcessGateway,
) -> None:
    """It may have read the executions before those that the caller asks for."""
    gateway.worker.processor.connect = connect_deferred
    gateway.start_worker()
    await gateway.set_price(SYMBOL, "50000")
    assert (await gateway.order("?wait_ms=8000")).status == 200
    exchange, finished = _exchange(gateway), list[ExchangeSnapshot]()
    exchange.start_snapshot = lambda *_: 2  # type: ignore[method-assign]
    exchange.take_snapshots = lambda: [finished.pop() for _ in finished[:]]  # type: ignore[method-assign]
    state = gateway.worker.processor.states[gateway.account_id]
    asked = asyncio.create_task(
        gateway.client("POST", "/oms/reconcile", {"account_id": gateway.account_id})
    )

    async def read(number: int) -> int:
        """The passes that wait after a snapshot was taken that began after ``number`` requests."""
        [pending] = await poll_until(waiting, bool)
        facts: dict[str, Any] = {"orders": (), "trades": (), "holdings": {}}
        finished.append(ExchangeSnapshot(since=pending.since, request=number, **facts))
        exchange.on_update()
        await poll_until(unread, lambda left: not left)
        return len(state.pending_reconciles)

    async def waiting() -> list[PendingReconcile]:
        return state.pending_reconciles

    async def unread() -> list[ExchangeSnapshot]:
        return finished

    assert await read(1) == 1
    assert not asked.done()
    await read(2)
    assert (await asked).status == 200


async def test_a_pass_for_a_period_and_another_request_leaves_no_execution_out(
    gateway: InProcessGateway,
) -> None:
    gateway.worker.processor.connect = connect_deferred
    gateway.start_worker()
    await gateway.set_price(SYMBOL, "50000")
    limit = {"order_type": "limit", "price": "40000"}
    assert (await gateway.order("?wait_ms=8000", **limit)).status == 200
    exchange, finished = _exchange(gateway), list[ExchangeSnapshot]()
    exchange.start_snapshot = lambda *_: 1  # type: ignore[method-assign]
    exchange.take_snapshots = lambda: [finished.pop() for _ in finished[:]]  # type: ignore[method-assign]
    state, account = gateway.worker.processor.states[gateway.account_id], gateway.account_id

    async def waiting() -> list[PendingReconcile]:
        return state.pending_reconciles

    bounds = {"start_date": "2024-01-01", "end_date": "2024-01-02"}
    asked = []
    for body in ({"scope": "period"} | bounds, {"scope": "short"}):
        sent = gateway.client("POST", "/oms/reconcile", {"account_id": account} | body)
        asked.append(asyncio.create_task(sent))
        await poll_until(waiting, lambda each: len(each) == len(asked))
    (order,), since = state.orders.values(), min(each.since for each in state.pending_reconciles)
    trade = (SYMBOL, a_trade(order, "x1", "0.01", 40_000, now()))
    facts: dict[str, Any] = {"orders": (), "trades": (trade,), "holdings": {}}
    finished.append(ExchangeSnapshot(since=since, request=1, **facts))
    exchange.on_update()
    for answer in await asyncio.gather(*asked):
        assert answer.json()["results"][0]["new_deals"] == 1, answer.body


async def test_a_wider_scheduled_pass_does_not_count_as_done_by_a_running_one(
    gateway: InProcessGateway,
) -> None:
    gateway.worker.processor.connect = connect_deferred
    gateway.start_worker()
    await gateway.set_price(SYMBOL, "50000")
    assert (await gateway.order("?wait_ms=8000")).status == 200
    await gateway.stop_worker()
    accounts = gateway.worker.processor
    await accounts.keeper.round(1)
    await accounts.load_leased_accounts([gateway.account_id])
    started = list[datetime]()
    await accounts.reconcile_account(gateway.account_id, Scope.SHORT, ReconcileIntervals())
    await accounts.poll_updates()
    exchange = _exchange(gateway)
    exchange.start_snapshot = lambda since, *_: started.append(since) or 0  # type: ignore[method-assign]
    for scope in (Scope.SHORT, Scope.SHORT, Scope.LONG, Scope.HOURLY, Scope.LONG):
        await accounts.reconcile_account(gateway.account_id, scope, ReconcileIntervals())
    short, long = started
    assert now() - short < timedelta(minutes=11)
    assert now() - long > timedelta(days=9)
    await accounts.keeper.release_all()
    await accounts.evict_all()


async def test_heartbeat_reports_unchanged_reconciles(
    scheduled: InProcessGateway, dsn: str
) -> None:
    scheduled.start_worker()
    await scheduled.set_price(SYMBOL, "50000")

    async def status() -> str:
        result: str = (await _status(scheduled))["status"]
        return result

    await poll_until(status, lambda result: result == "fresh")
    assert fetch_number(dsn, "SELECT COUNT(*) FROM reconciliation_cursor") == 0
    assert (await _status(scheduled))["degraded"] is None


async def test_unreadable_account_is_degraded(
    scheduled: InProcessGateway, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile_schedule, "RETRY_INTERVAL", timedelta(seconds=0.2))
    scheduled.start_worker()
    await scheduled.set_price(SYMBOL, "50000")
    exchange = _exchange(scheduled)
    away = Refused(code="exchange_unavailable", message="no response")
    exchange.unavailable_reason = lambda: away  # type: ignore[method-assign]

    async def degraded() -> Any:
        return (await _status(scheduled))["degraded"]

    await poll_until(degraded, lambda result: result == away.code)
    runs = fetch_rows(dsn, "SELECT error FROM reconcile_runs WHERE error IS NOT NULL")
    assert runs == [("exchange_unavailable",)]
    exchange.unavailable_reason = lambda: None  # type: ignore[method-assign]
    await poll_until(degraded, lambda result: result is None)
    assert len(fetch_rows(dsn, "SELECT error FROM reconcile_runs WHERE error IS NOT NULL")) == 1


async def test_status_reports_the_start_of_history(scheduled: InProcessGateway) -> None:
    scheduled.start_worker()
    await scheduled.set_price(SYMBOL, "50000")
    assert (await _status(scheduled))["history_unreachable"] is None
    state = scheduled.worker.processor.states[scheduled.account_id]
    state.reaches_from = datetime(2026, 1, 2, tzinfo=UTC)

    async def unreachable() -> Any:
        return (await _status(scheduled))["history_unreachable"]

    await poll_until(unreachable, lambda result: result == "2026-01-02T00:00:00.000000Z")
