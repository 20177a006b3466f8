"""Price alerts of a paper account: levels, once, restarts, stale prices, permissions, bounds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import TRADER
from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until
from oms.domain.errors import Unavailable
from oms.ports.ledger_store import AccountBatch
from oms.services.protection import price_alerts

READER_KEY = "oms_reads-the-alerts-of-tests"


async def _call(trader: PaperTrader, method: str, path: str, body: Any = None) -> Any:
    return await trader.gateway.client(method, path, body, key=trader.key)


async def _create(trader: PaperTrader, condition: str, price: str, **more: Any) -> Any:
    body = {"account_id": trader.account_id, "symbol": SYMBOL, "condition": condition}
    return await _call(trader, "POST", "/alerts?wait_ms=8000", body | {"price": price} | more)


async def _add(trader: PaperTrader, condition: str, price: str, **more: Any) -> dict[str, Any]:
    answer = await _create(trader, condition, price, **more)
    assert answer.status == 200, answer.body
    row: dict[str, Any] = answer.json()["alert"]
    return row


async def _waiting(trader: PaperTrader) -> list[dict[str, Any]]:
    path = f"/alerts?account_id={trader.account_id}&wait_ms=8000"
    rows: list[dict[str, Any]] = (await _call(trader, "GET", path)).json()["items"]
    return rows


async def _fired(trader: PaperTrader) -> dict[str, Any]:
    """The payload of the only event, once it is stored."""
    event: dict[str, Any]
    (event,) = await poll_until(lambda: trader.events("price_alert"), bool, 5)
    return event


@pytest.mark.parametrize(
    ("condition", "level", "near", "reached"),
    [
        ("above", "110", "109.9", "110"),
        ("below", "90", "90.1", "89"),
        ("crosses", "105", "104.9", "106"),
        ("crosses", "95", "95.1", "95"),
    ],
)
async def test_fires_once(
    trader: PaperTrader, condition: str, level: str, near: str, reached: str
) -> None:
    alert = await _add(trader, condition, level, note="look")
    await trader.price(near)
    await trader.look()
    assert [row["alert_id"] for row in await _waiting(trader)] == [alert["alert_id"]]
    assert await trader.events("price_alert") == []
    for price in (reached, "100", reached):
        await trader.price(price)
    event = await _fired(trader)
    assert (event["alert_id"], event["condition"]) == (alert["alert_id"], condition)
    assert (event["level"], event["price"], event["note"]) == (level, reached, "look")
    assert event["user_id"] == alert["user_id"]
    assert await _waiting(trader) == []
    await trader.assert_healthy()


async def test_crosses_keeps_the_side_first_seen_over_a_restart(trader: PaperTrader) -> None:
    alert = await _add(trader, "crosses", "100")
    assert alert["side"] is None, "the price is at the level"
    await trader.price("101")
    await trader.look()
    await trader.stop()
    trader.start()
    (row,) = await _waiting(trader)
    assert row["side"] == "above"
    await trader.price("102")
    await trader.look()
    assert await trader.events("price_alert") == []
    await trader.price("99")
    await _fired(trader)


async def test_an_account_with_alerts_only_is_watched_after_a_restart(
    trader: PaperTrader, dsn: str
) -> None:
    alert = await _add(trader, "above", "110")
    await trader.stop()
    # As if the price had moved while no worker ran: the level is reached at the first look.
    execute(dsn, "UPDATE price_alerts SET price = price / 2")
    trader.start()
    event = await _fired(trader)
    assert event["alert_id"] == alert["alert_id"]
    assert fetch_rows(dsn, "SELECT id FROM price_alerts") == []


async def test_a_worker_that_ends_before_the_commit_fires_once(
    trader: PaperTrader, dsn: str
) -> None:
    """The event and the end of the alert are lost together, and stored together later."""
    alert = await _add(trader, "above", "110")
    pipeline = trader.gateway.worker.processor.pipeline
    commit, lost = pipeline.commit, []

    async def fail_once(batches: Sequence[AccountBatch]) -> frozenset[int]:
        if not lost and any(batch.alerts for batch in batches):
            lost.extend(each for batch in batches for each in batch.events)
            raise Unavailable("ended before the commit")
        return await commit(batches)

    pipeline.commit = fail_once
    await trader.price("111")
    event = await _fired(trader)
    assert len(lost) == 1, "the first commit of the event was lost"
    assert event["alert_id"] == alert["alert_id"]
    await trader.restart()
    assert await _waiting(trader) == []
    assert len(await trader.events("price_alert")) == 1
    assert fetch_rows(dsn, "SELECT id FROM price_alerts") == []
    await trader.assert_healthy()


async def test_deleted_alerts_do_not_fire(trader: PaperTrader) -> None:
    alert = await _add(trader, "above", "110")
    path = f"/alerts/{alert['alert_id']}?account_id={trader.account_id}&wait_ms=8000"
    assert (await _call(trader, "DELETE", path)).status == 200
    again = await _call(trader, "DELETE", path)
    assert (again.status, again.detail["code"]) == (404, "not_found")
    await trader.price("120")
    assert await trader.events("price_alert") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"condition": "near"},
        {"price": "0"},
        {"price": "NaN"},
        {"note": "n" * 256},
        {"symbol": ""},
        {"symbol": "NO/SUCH"},
    ],
)
async def test_bad_requests_are_refused(trader: PaperTrader, wrong: dict[str, Any]) -> None:
    body = {"account_id": trader.account_id, "symbol": SYMBOL, "condition": "above", "price": "1"}
    answer = await _call(trader, "POST", "/alerts?wait_ms=8000", body | wrong)
    assert answer.status == 422, answer.body
    assert await _waiting(trader) == []


async def test_the_number_of_alerts_is_bounded(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_alerts, "ALERTS_MAX", 2)
    for level in ("200", "300"):
        await _add(trader, "above", level)
    answer = await _create(trader, "above", "400")
    assert (answer.status, answer.detail["reason"]) == (422, "too_many_alerts")


async def test_permissions(trader: PaperTrader) -> None:
    """Reading shows alerts; only trading creates and deletes them."""
    alert = await _add(trader, "above", "110")
    account = trader.account_id
    await trader.gateway.add_key(
        "reader", READER_KEY, grants={account: replace(TRADER, can_trade=False)}
    )
    client = trader.gateway.client
    path = f"/alerts?account_id={account}&wait_ms=8000"
    assert len((await client("GET", path, key=READER_KEY)).json()["items"]) == 1
    body = {"account_id": account, "symbol": SYMBOL, "condition": "above", "price": "1"}
    assert (await client("POST", "/alerts", body, key=READER_KEY)).status == 403
    path = f"/alerts/{alert['alert_id']}?account_id={account}"
    assert (await client("DELETE", path, key=READER_KEY)).status == 403
