"""``GET /health``: what the gateway may do, and its parts as they were measured."""

from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.http.wire_keys import HEALTH_PARTS, HEALTH_REPORT, assert_keys
from kit.polling import poll_until
from oms.adapters.sql.store import SqlStore
from oms.api.metrics import connection_health, health_report
from oms.api.metrics.worker_age import READ_SECONDS, WorkerAge
from oms.domain.errors import Unavailable


async def _report(gateway: InProcessGateway, status: int = 200) -> Any:
    answer = await gateway.client("GET", "/health")
    assert answer.status == status, answer.body
    report = answer.json()
    assert_keys(report, HEALTH_REPORT)
    assert_keys(report["parts"], HEALTH_PARTS)
    return report


async def test_a_gateway_that_trades(busy: InProcessGateway) -> None:
    report = await _report(busy)
    assert (report["ok"], report["status"], report["oms_enabled"]) == (True, "ok", True)
    assert (report["broker_mode"], report["live_trading_allowed"]) == ("paper", False)
    assert 0 <= report["parts"]["worker"]["value"] < report["parts"]["worker"]["limit"]
    assert (report["parts"]["queue"]["ok"], report["parts"]["queue"]["limit"]) == (True, 500)
    assert report["parts"]["calendar"]["value"] is None
    assert (await busy.client("GET", "/health", key="")).status == 401


async def test_metrics_say_what_workers_did_and_see(busy: InProcessGateway) -> None:
    filled = await busy.order("?wait_ms=8000")
    assert filled.status == 200, filled.body

    async def read() -> str:
        answer = await busy.client("GET", "/metrics", key=ADMIN_KEY)
        return answer.body.decode()

    text = await poll_until(
        read, lambda each: 'oms_deals_total{worker="in-process"} 1.0' in each, seconds=20
    )
    for sample in (
        'oms_order_phase_seconds_count{phase="queue",worker="in-process"} 1.0',
        'oms_protection{state="native",worker="in-process"} 0.0',
        'oms_kill_mode{scope="global"} 0.0',
        "oms_queue_age_seconds 0.0",
        "oms_ws_clients 0.0",
    ):
        assert sample in text, text
    assert "oms_worker_heartbeat_age_seconds" in text


async def test_an_old_queue_degrades_it(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker is not started."""
    monkeypatch.setattr(connection_health, "QUEUE_AGE_SECONDS_MAX", 0.0)
    assert (await gateway.order("?wait_ms=0")).status in (200, 202)
    part = (await _report(gateway))["parts"]["queue_age"]
    assert not part["ok"] and part["value"] > 0


async def test_a_switch_over_all_accounts_disables_it(busy: InProcessGateway) -> None:
    off = {"enabled": False, "kind": "soft", "comment": "test"}
    disabled = await busy.client("POST", "/risk/switch?wait_ms=8000", off, key=ADMIN_KEY)
    assert disabled.status == 200, disabled.body
    report = await _report(busy)
    assert (report["status"], report["oms_enabled"]) == ("ok", False)


async def test_what_is_not_well_is_named(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await _report(gateway)  # its worker is not started
    assert (report["ok"], report["status"]) == (False, "degraded")
    parts = report["parts"]
    assert [name for name, part in parts.items() if not part["ok"]] == ["worker"]
    assert parts["worker"]["value"] is None

    async def fail(_store: SqlStore) -> None:
        raise Unavailable("the database does not respond")

    monkeypatch.setattr(SqlStore, "ping", fail)
    down = await _report(gateway, 503)
    assert (down["status"], down["oms_enabled"], down["broker_mode"]) == ("down", None, None)
    assert {part["value"] for part in down["parts"].values()} == {None}


async def test_a_late_heartbeat_degrades_it(
    busy: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_report, "HEARTBEAT_SECONDS_MAX", -1.0)
    report = await _report(busy)
    assert (report["status"], report["parts"]["worker"]["ok"]) == ("degraded", False)


async def test_the_age_of_the_newest_heartbeat_is_read_once_a_second(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, leases = 100.0, gateway.store.leases
    age = WorkerAge(leases, monotonic=lambda: now)
    assert await age.read_ms() is None
    await leases.heartbeat("w1", "host", "{}")
    assert await age.read_ms() is None  # as it was read
    now += READ_SECONDS
    first = await age.read_ms()
    assert first is not None and 0 <= first < 10_000
    await leases.forget_worker("w1")
    now += READ_SECONDS / 2
    assert await age.read_ms() == first + READ_SECONDS / 2 * 1000
    now += READ_SECONDS / 2
    assert await age.read_ms() is None

    async def fail(*_: object) -> None:
        raise Unavailable("the database does not respond")

    await leases.heartbeat("w1", "host", "{}")
    monkeypatch.setattr(type(leases), "workers", fail)
    now += READ_SECONDS
    assert await age.read_ms() is None
