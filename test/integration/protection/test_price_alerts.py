"""Price alerts of a paper account: levels, once, restarts, stale prices, permissions, bounds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import TRADER
from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until
from oms.adapters.sql.ledger import commit as sql_commit
from oms.domain.errors import Unavailable
from oms.domain.quotes import Quote
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.ledger_store import AccountBatch
from oms.services.ledger.record import Changes
from oms.services.protection import price_alerts
from oms.services.protection.watch_alerts import watch_alerts

READER_KEY = "oms_reads-the-alerts-of-tests"
STRATEGY_KEY = "oms_trades-one-strategy-here"
OTHER_SYMBOL = "BTC/USDT:USDT"


def _state(trader: PaperTrader) -> Any:
    return trader.gateway.worker.processor.states[trader.account_id]


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


async def test_without_a_price_nothing_fires(trader: PaperTrader) -> None:
    await _add(trader, "above", "110")
    exchange = _state(trader).exchange
    exchange.quote = lambda *_: None
    await trader.price("111")
    await trader.look()
    assert await trader.events("price_alert") == []
    assert len(await _waiting(trader)) == 1
    del exchange.quote
    await _fired(trader)


async def test_a_stale_price_of_a_real_exchange_fires_nothing(trader: PaperTrader) -> None:
    await _add(trader, "above", "110")
    state = _state(trader)
    await trader.stop()
    state.account = evolve(state.account, exchange_id="ccxt.bybit")
    read_at, age_max = trader.clock.now(), timedelta(seconds=10)
    quote = Quote(
        symbol=SYMBOL,
        bid=Decimal(111),
        ask=Decimal(111),
        bid_qty=None,
        ask_qty=None,
        at=read_at,
    )
    state.exchange.quote = lambda *_: quote
    changes = Changes()
    watch_alerts(state, changes, read_at + age_max + timedelta(microseconds=1), age_max)
    assert (changes.events, len(state.alerts)) == ([], 1)
    watch_alerts(state, changes, read_at + age_max, age_max)
    assert [event.name for event in changes.events] == ["price_alert"]
    assert state.alerts == {}


async def test_an_account_without_alerts_does_no_work(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither reads of prices nor statements, both of which an alert has."""
    await trader.open()
    state, rows = _state(trader), sql_commit.price_alerts
    quote, add_to = state.exchange.quote, rows.add_to
    reads: list[str] = []
    writes: list[int] = []

    def counted_quote(symbol: str, now: datetime) -> Any:
        reads.append(symbol)
        return quote(symbol, now)

    def counted_add(batch: Any, account_id: int, alerts: Any) -> None:
        writes.append(account_id)
        add_to(batch, account_id, alerts)

    state.exchange.quote = counted_quote
    monkeypatch.setattr(rows, "add_to", counted_add)
    await trader.price("101")
    for _ in range(3):
        await trader.gateway.worker.processor.poll_exchange(state, trader.clock.now())
    assert (reads, writes) == ([], [])
    await _add(trader, "above", "110")
    reads.clear()
    await trader.look()
    assert set(reads) == {SYMBOL}
    assert writes == [trader.account_id]


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


async def test_the_key_is_checked_before_the_request(trader: PaperTrader) -> None:
    for method, path in (("POST", "/alerts"), ("GET", "/alerts"), ("DELETE", "/alerts/none")):
        answer = await trader.gateway.client(method, path, {}, key="oms_no-such-key-of-anyone")
        assert (answer.status, answer.detail["code"]) == (401, "invalid_api_key")


async def test_the_number_of_alerts_is_bounded(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_alerts, "ALERTS_MAX", 2)
    for level in ("200", "300"):
        await _add(trader, "above", level)
    answer = await _create(trader, "above", "400")
    assert (answer.status, answer.detail["reason"]) == (422, "too_many_alerts")


async def test_the_number_of_symbols_is_bounded(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_alerts, "SYMBOLS_MAX", 1)
    await _add(trader, "above", "200")
    await _add(trader, "above", "300")
    answer = await _create(trader, "above", "90000000", symbol=OTHER_SYMBOL)
    assert (answer.status, answer.detail["reason"]) == (422, "too_many_alerts")
    assert {row["symbol"] for row in await _waiting(trader)} == {SYMBOL}


async def test_keys_that_are_restricted_to_strategies_have_no_access(trader: PaperTrader) -> None:
    alert = await _add(trader, "above", "110")
    account, gateway = trader.account_id, trader.gateway
    context = AuditContext(actor="test", at=trader.clock.now())
    strategies = gateway.api_context.administer.strategies
    own = await strategies.create("own", None, [account], context)
    grant = replace(TRADER, restrict_to_strategies=True, strategy_ids=frozenset({own}))
    await gateway.add_key("restricted", STRATEGY_KEY, grants={account: grant})
    body = {"account_id": account, "symbol": SYMBOL, "condition": "above", "price": "1"}
    for method, path, sent in (
        ("GET", f"/alerts?account_id={account}", None),
        ("POST", "/alerts", body),
        ("DELETE", f"/alerts/{alert['alert_id']}?account_id={account}", None),
    ):
        answer = await gateway.client(method, path, sent, key=STRATEGY_KEY)
        assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied")
    assert [row["alert_id"] for row in await _waiting(trader)] == [alert["alert_id"]]
    await trader.price("111")
    await _fired(trader)
    path = f"/oms/events?account_ids={account}&limit=1000"
    seen = (await gateway.client.get(path, key=STRATEGY_KEY))["items"]
    assert [event for event in seen if event["event"] == "price_alert"] == []


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
