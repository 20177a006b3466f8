"""Flatten at an exchange whose answers take time: rounds of closing orders until flat."""

from datetime import timedelta
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.exchanges.deferred_exchange import deferred_exchange
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.polling import poll_until
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.services.commands import flatten


def reject_next_order(gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the exchange reject the next order."""
    exchange = deferred_exchange(gateway)
    execute = exchange._execute

    async def reject(verb: str, order: Order, *rest: Any) -> Any:
        if verb != "place":
            return await execute(verb, order, *rest)
        monkeypatch.setattr(exchange, "_execute", execute)
        rejection = ExecutionReport(
            kind=ReportKind.REJECTED,
            order_id=order.id,
            source=ReportSource.REPLY,
            received_at=rest[-1],
            code="exchange_rejected",
        )
        return [rejection]

    monkeypatch.setattr(exchange, "_execute", reject)


async def open_position(gateway: InProcessGateway) -> int:
    """Return the id of a new position of 0.02."""
    (row,) = (await gateway.order("?wait_ms=5000", qty="0.02")).json()["results"]
    assert row["order"]["status"] == "FILLED"
    path = f"/oms/positions/open?account_ids={gateway.account_id}"
    (position,) = (await gateway.client.get(path))["items"]
    return int(position["id"])


async def pull_flatten(gateway: InProcessGateway) -> dict[str, Any]:
    """Activate a switch of the account that flattens; its body."""
    body = {"scope": "account", "scope_id": gateway.account_id, "mode": "flatten", "comment": "x"}
    answer = await gateway.client("POST", "/risk/kill", body, key=ADMIN_KEY)
    switch: dict[str, Any] = answer.json()
    return switch


async def report_of(gateway: InProcessGateway, switch_id: int) -> dict[str, Any]:
    """The account's part of the switch's report."""
    body = await gateway.client.get(f"/risk/kill/{switch_id}", key=ADMIN_KEY)
    (report,) = body["report"]
    assert isinstance(report, dict)
    return report


@pytest.fixture
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds that follow at once."""
    monkeypatch.setattr(flatten, "ROUND_INTERVAL", timedelta(seconds=0.2))


@pytest.mark.usefixtures("short_rounds")
async def test_rounds_go_on_until_the_account_is_flat(
    slow: InProcessGateway, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    position_id = await open_position(slow)
    (row,) = (
        await slow.order("?wait_ms=5000", order_type="limit", price="50000", qty="0.01")
    ).json()["results"]
    reject_next_order(slow, monkeypatch)
    body = await pull_flatten(slow)
    switch_id = body["id"]

    async def status() -> str:
        return str((await report_of(slow, switch_id))["status"])

    await poll_until(status, lambda word: word == "done")
    report = await report_of(slow, switch_id)
    assert report["closed"] == [position_id]
    assert report["canceled"] == [row["order_id"]]
    assert (report["not_canceled"], report["remaining"], report["dust"]) == ([], [], [])
    path = f"/oms/positions/open?account_ids={slow.account_id}"
    assert (await slow.client.get(path))["items"] == []
    events = await slow.client.get(f"/oms/events?account_ids={slow.account_id}&namespaces=risk")
    (event,) = [row["payload"] for row in events["items"] if row["event"] == "flatten_report"]
    assert (event["kill_id"], event["closed"]) == (switch_id, [position_id])
    assert (event["canceled"], event["remaining"]) == ([row["order_id"]], [])
    orders = fetch_rows(dsn, "SELECT status FROM oms_orders WHERE reduce_only = 1 ORDER BY id")
    assert orders == [("REJECTED",), ("FILLED",)]


@pytest.mark.usefixtures("short_rounds")
async def test_what_cannot_be_closed_is_reported_after_a_bounded_time(
    slow: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flatten, "FLATTEN_TIME_MAX", timedelta(seconds=1))
    position_id = await open_position(slow)
    deferred_exchange(slow).is_held = True
    switch_id = (await pull_flatten(slow))["id"]

    async def status() -> str:
        return str((await report_of(slow, switch_id))["status"])

    await poll_until(status, lambda word: word == "done")
    report = await report_of(slow, switch_id)
    assert (report["closed"], report["remaining"]) == ([], [position_id])


@pytest.mark.usefixtures("short_rounds")
async def test_a_restarted_worker_goes_on(slow: InProcessGateway) -> None:
    position_id = await open_position(slow)
    refused = Refused(code="auth_failed", message="the key is not valid")
    deferred_exchange(slow).unavailable_reason = lambda: refused  # type: ignore[method-assign]
    switch_id = (await pull_flatten(slow))["id"]
    report = await report_of(slow, switch_id)
    assert (report["status"], report["remaining"]) == ("running", [position_id])
    await slow.worker.processor.await_all_commits()
    await slow.worker.processor.evict_all()

    async def status() -> str:
        return str((await report_of(slow, switch_id))["status"])

    await poll_until(status, lambda word: word == "done")
    assert (await report_of(slow, switch_id))["closed"] == [position_id]
