"""Sweeps that nobody asked for: by the owner's plan, quiet where nothing changed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.late_exchange import LateExchange, late
from kit.office import Office, now
from kit.sql import change, number, rows
from kit.until import until_told
from oms.domain.errors import Refused
from oms.domain.reconciliation import Scope
from oms.domain.sweep_plan import SweepPlan
from oms.worker import sweeps
from oms.worker.sweeps import Sweeps

SYMBOL = "BTC/USDT:USDT"
WRITTEN = (
    *("oms_orders", "oms_deals", "oms_positions", "event_outbox", "reconcile_runs"),
    *("reconciliation_cursor", "discrepancies", "ccxt_orders_raw", "ccxt_trades_raw"),
)


@pytest.fixture
async def swept(office: Office, dsn: str) -> AsyncIterator[Office]:
    """An office that is swept each second, at an exchange that answers later."""
    change(dsn, "UPDATE accounts SET reconcile_short_interval_seconds = 1")
    worker = office.worker
    worker.accounts.connect = late
    worker.sweeps = Sweeps(accounts=worker.accounts, rows=office.store.reconciliations)
    yield office


async def _price(office: Office, price: str) -> None:
    body = {"account_id": office.account_id, "symbol": SYMBOL, "price": price}
    assert (await office.client("POST", "/paper/price", body)).status == 200


async def _status(office: Office) -> dict[str, Any]:
    path = f"/oms/reconcile/{office.account_id}/status"
    row: dict[str, Any] = (await office.client.get(path))["items"][0]
    return row


def _exchange(office: Office) -> LateExchange:
    exchange = office.worker.accounts.homes[office.account_id].exchange
    assert isinstance(exchange, LateExchange)
    return exchange


async def test_what_was_missed_is_found_without_being_asked(swept: Office, dsn: str) -> None:
    swept.start_worker()
    await _price(swept, "50000")
    limit = {"order_type": "limit", "price": "49000", "params": {"sim": "late_fill"}}
    assert (await swept.order("?wait_ms=8000", **limit)).status == 200
    await _price(swept, "48000")  # it fills, and nobody tells

    async def deals() -> int:
        return number(dsn, "SELECT COUNT(*) FROM oms_deals")

    assert await until_told(deals, bool) == 1
    scopes = rows(dsn, "SELECT scope FROM reconcile_runs")
    assert ("short",) in scopes


async def test_a_hundred_sweeps_of_what_is_known_write_nothing(office: Office, dsn: str) -> None:
    office.worker.accounts.connect = late
    office.start_worker()
    await _price(office, "50000")
    assert (await office.order("?wait_ms=8000")).status == 200
    await office.order("?wait_ms=8000", order_type="limit", price="40000")
    asked = {"account_id": office.account_id}
    assert (await office.client("POST", "/oms/reconcile", asked)).status == 200
    await office.stop_worker()
    accounts = office.worker.accounts
    await accounts.keeper.round(1)
    await accounts.move_in([office.account_id])
    account = office.account_id
    before = {table: number(dsn, f"SELECT COUNT(*) FROM {table}") for table in WRITTEN}
    head = number(dsn, f"SELECT head_seq FROM account_streams WHERE account_id = {account}")
    cursor = rows(dsn, "SELECT * FROM reconciliation_cursor")
    for _ in range(100):
        assert await accounts.sweep(office.account_id, Scope.SHORT, SweepPlan()) is None
        await accounts.hear_news()
        await accounts.settle_all()
    assert {table: number(dsn, f"SELECT COUNT(*) FROM {table}") for table in WRITTEN} == before
    assert rows(dsn, "SELECT * FROM reconciliation_cursor") == cursor
    home = accounts.homes[office.account_id]
    assert (home.head_seq, home.sweeping) == (head, [])
    assert home.read_until is not None and now() - home.read_until < timedelta(seconds=10)
    await accounts.keeper.release_all()
    await accounts.drop_all()


async def test_quiet_sweeps_are_told_by_the_heartbeat(swept: Office, dsn: str) -> None:
    swept.start_worker()
    await _price(swept, "50000")

    async def status() -> str:
        told: str = (await _status(swept))["status"]
        return told

    await until_told(status, lambda told: told == "fresh")
    assert number(dsn, "SELECT COUNT(*) FROM reconciliation_cursor") == 0
    assert (await _status(swept))["degraded"] is None


async def test_an_account_that_cannot_be_read_is_degraded_until_it_can(
    swept: Office, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "RETRY", timedelta(seconds=0.2))
    swept.start_worker()
    await _price(swept, "50000")
    exchange = _exchange(swept)
    away = Refused(code="exchange_unavailable", message="nobody answers")
    exchange.trouble = lambda: away  # type: ignore[method-assign]

    async def degraded() -> Any:
        return (await _status(swept))["degraded"]

    await until_told(degraded, lambda told: told == away.code)
    runs = rows(dsn, "SELECT error FROM reconcile_runs WHERE error IS NOT NULL")
    assert runs == [("exchange_unavailable",)]
    exchange.trouble = lambda: None  # type: ignore[method-assign]
    await until_told(degraded, lambda told: told is None)
    assert len(rows(dsn, "SELECT error FROM reconcile_runs WHERE error IS NOT NULL")) == 1


async def test_from_when_on_history_is_told_stands_in_the_status(swept: Office) -> None:
    swept.start_worker()
    await _price(swept, "50000")
    assert (await _status(swept))["history_unreachable"] is None
    home = swept.worker.accounts.homes[swept.account_id]
    home.reaches_from = datetime(2026, 1, 2, tzinfo=UTC)

    async def unreachable() -> Any:
        return (await _status(swept))["history_unreachable"]

    await until_told(unreachable, lambda told: told == "2026-01-02T00:00:00.000000Z")
