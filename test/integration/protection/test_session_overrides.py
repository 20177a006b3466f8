"""Overridden trading days rule a running worker within seconds; bad ones are refused."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from kit.databases.emptied import empty_database
from kit.databases.sql import fetch_rows
from kit.gateway.in_process import ADMIN_KEY, TRADER, open_gateway
from kit.gateway.paper_trader import PaperTrader, SetClock
from kit.polling import poll_until
from oms.adapters.trading_calendar import load_sessions
from oms.config import Settings
from oms.domain.market_hours import Session, TradingSession
from oms.wire.json import time_text

STOCK = "AAPL"
KEY = "oms_a-stock-trader-for-tests"
ROUTE = "/admin/session-overrides"
ACCOUNT = (
    '{"oms":{"paper":{"source":"manual","maker":0,"taker":0,'
    '"stocks":["AAPL"],"balances":{"USD":100000}}}}'
)
COMING = [each for each in load_sessions(Session.US_EQUITY) if each.opens_at > datetime.now(UTC)]


def _full_days() -> tuple[TradingSession, TradingSession]:
    """A coming session of full length, and the one after it."""
    pairs = pairwise(COMING)
    full = timedelta(hours=6, minutes=30)
    return next(pair for pair in pairs if pair[0].closes_at - pair[0].opens_at == full)


TODAY, NEXT = _full_days()
DAY = TODAY.opens_at.date().isoformat()


@pytest.fixture
async def trader(dsn: str) -> AsyncIterator[PaperTrader]:
    """A trader of stocks on a coming day, four hours after the open, at a price of 100."""
    empty_database(dsn)
    settings = Settings.model_validate(
        {"access_cache_seconds": 0, "paper_tick_ms": 20, "commands": {"max_queue_s": 10**9}}
    )
    async with open_gateway(dsn, settings) as gateway:
        account_id = await gateway.add_account("netting", ACCOUNT)
        await gateway.add_key("stocks", KEY, grants={account_id: TRADER})
        trader = PaperTrader(gateway, account_id, KEY)
        trader.start()
        gateway.worker.processor.clock = SetClock(TODAY.opens_at + timedelta(hours=4))
        await price(trader, "100")
        yield trader


async def price(trader: PaperTrader, price: str) -> None:
    """Set the price of the stock."""
    await trader.gateway.set_price(STOCK, price, account_id=trader.account_id, key=trader.key)


async def call(trader: PaperTrader, method: str, path: str = ROUTE, **body: Any) -> Any:
    """The response to a request of the administrator."""
    return await trader.gateway.client(method, path, body or None, key=ADMIN_KEY)


async def set_hours(trader: PaperTrader, **hours: Any) -> dict[str, Any]:
    """The row of an override of the trader's day."""
    answer = await call(trader, "POST", date=DAY, comment="a test", **hours)
    assert answer.status == 200, answer.body
    row: dict[str, Any] = answer.json()
    return row


async def send(trader: PaperTrader, **fields: Any) -> Any:
    """The answer to an order for one share."""
    order = {"symbol": STOCK, "side": "buy", "order_type": "market", "qty": "1"} | fields
    return await trader.answer("send_order", **order)


async def follow(trader: PaperTrader, reason: str | None) -> Any:
    """The first refusal of a checked order that has this reason."""
    order = {"symbol": STOCK, "side": "buy", "order_type": "market", "qty": "1"}
    body = {"account_id": trader.account_id, "order": order}

    async def check() -> Any:
        answer = await trader.gateway.client("POST", "/risk/check", body, key=trader.key)
        return answer.json()["refusal"]

    return await poll_until(
        check, lambda refusal: (refusal and refusal["reason"]) == reason, seconds=5
    )


async def test_a_closed_day_rules_the_running_worker_until_it_is_deleted(
    trader: PaperTrader, dsn: str
) -> None:
    sent = await send(trader)
    position = sent.json()["results"][0]["order"]["position_id"]
    resting = {"order_type": "limit", "price": "90"}
    assert (await send(trader, **resting)).status == 200
    override = await set_hours(trader, closed=True)

    await follow(trader, "market_closed")

    refused = (await send(trader)).json()["detail"]
    assert (refused["reason"], refused["next_open"]) == ("market_closed", time_text(NEXT.opens_at))
    await price(trader, "80")
    await trader.look()
    states = [row["state"] for row in await trader.orders()]
    assert states == ["FILLED", "SUBMITTED", "REJECTED"]  # the paper engine fills nothing
    waiting = (await trader.run("close_position", position_id=position))["deferred_command_id"]
    assert waiting is not None
    (hold,) = fetch_rows(dsn, f"SELECT hold_until FROM oms_commands WHERE id = {waiting}")
    assert str(hold[0]).replace("T", " ")[:19] == NEXT.opens_at.isoformat(" ")[:19]
    deleted = await call(trader, "DELETE", f"{ROUTE}/{override['id']}")
    assert deleted.json() == {"ok": True, "id": override["id"]}
    assert await follow(trader, None) is None
    await price(trader, "85")
    await poll_until(trader.orders, lambda rows: rows[1]["state"] == "FILLED", 5)
    await trader.assert_healthy()
    rows = fetch_rows(
        dsn,
        "SELECT action, entity_id, comment FROM audit_log WHERE entity = 'session_override'"
        " ORDER BY id",
    )
    assert [tuple(row) for row in rows] == [
        ("set_session_override", str(override["id"]), "a test"),
        ("delete_session_override", str(override["id"]), None),
    ]


async def test_an_early_close_is_the_default_expiry_and_is_replaced_as_a_whole(
    trader: PaperTrader,
) -> None:
    override = await set_hours(trader, open="09:30", close="14:00")
    assert await follow(trader, None) is None
    dated = {"order_type": "limit", "price": "90", "time_in_force": "GTD"}

    async def expiry() -> Any:
        answer = await send(trader, **dated)
        return answer.json()["results"][0]["order"]["expires_at"]

    early = TODAY.opens_at + timedelta(hours=4, minutes=30)
    await poll_until(expiry, lambda at: at == time_text(early), 5)
    again = await call(trader, "POST", date=DAY, comment="again", closed=True)
    assert (again.status, again.detail["reason"]) == (409, "override_exists")

    replaced = await set_hours(trader, closed=True, replace=True)

    assert (replaced["id"], replaced["closed"], replaced["open"]) == (override["id"], True, None)
    await follow(trader, "market_closed")
    listed = (await call(trader, "GET")).json()["items"]
    assert listed == [replaced]
    await trader.assert_healthy()


def _day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


BAD: tuple[tuple[dict[str, Any], str, str | None], ...] = (
    ({"date": _day(-2), "closed": True}, "validation_error", "past_date"),
    ({"date": _day(2000), "closed": True}, "validation_error", "date_too_far"),
    ({"open": "13:00", "close": "09:30"}, "validation_error", "close_before_open"),
    ({"open": "13:00", "close": "13:00"}, "validation_error", "close_before_open"),
    ({"closed": True, "session": "lse"}, "validation_error", None),
    ({"closed": True, "session": "24x7"}, "validation_error", None),
    ({"closed": True, "comment": " "}, "comment_required", None),
    ({"date": "2027-02-30", "closed": True}, "validation_error", None),
    ({"date": 20270201, "closed": True}, "validation_error", None),
    ({"open": "24:00", "close": "25:00"}, "validation_error", None),
    ({"open": "9:30", "close": "16:00"}, "validation_error", None),
    ({"open": "09:30"}, "validation_error", None),
    ({"close": "16:00"}, "validation_error", None),
    ({"closed": True, "open": "09:30", "close": "16:00"}, "validation_error", None),
    ({"closed": False}, "validation_error", None),
    ({}, "validation_error", None),
    ({"closed": True, "until": "2027"}, "validation_error", None),
)


async def test_bad_overrides_are_refused_with_their_reason(trader: PaperTrader) -> None:
    for fields, code, reason in BAD:
        answer = await call(trader, "POST", **{"date": _day(9), "comment": "a test"} | fields)
        found = (answer.status, answer.detail["code"], answer.detail.get("reason"))
        assert found == (422, code, reason), fields
    unknown = await call(trader, "DELETE", f"{ROUTE}/7")
    assert (unknown.status, unknown.detail["code"]) == (404, "not_found")
    assert (await call(trader, "GET")).json() == {"items": []}
    for method, path in (("GET", ROUTE), ("POST", ROUTE), ("DELETE", f"{ROUTE}/7")):
        refused = await trader.gateway.client(method, path, {"closed": True}, key=trader.key)
        assert (refused.status, refused.detail["code"]) == (403, "admin_required")
