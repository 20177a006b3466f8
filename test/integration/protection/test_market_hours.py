"""Stocks of a paper account trade in their sessions: entries outside are refused, exits wait."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.databases.emptied import empty_database
from kit.gateway.in_process import TRADER, open_gateway
from kit.gateway.paper_trader import SYMBOL, PaperTrader, SetClock
from kit.polling import poll_until
from oms.adapters.trading_calendar import LibraryCalendar, load_sessions
from oms.config import Settings
from oms.domain.market_hours import Session
from oms.services.risk.market_session import calendar_health
from oms.wire.json import time_text

STOCK = "AAPL"
KEY = "oms_a-stock-trader-for-tests"
#: The friday of a past week: closed on the weekend after it.
SESSION = datetime(2025, 7, 18, 15, tzinfo=UTC)
SATURDAY = datetime(2025, 7, 19, 12, tzinfo=UTC)
MONDAY_OPEN = datetime(2025, 7, 21, 13, 30, tzinfo=UTC)
ACCOUNT = (
    '{"oms":{"paper":{"source":"manual","maker":0,"taker":0,'
    '"stocks":["AAPL"],"balances":{"USD":100000,"USDT":100000}}}}'
)


@pytest.fixture
async def trader(dsn: str) -> AsyncIterator[PaperTrader]:
    """A trader of stocks, on a Friday during the session, at a price of 100."""
    empty_database(dsn)
    settings = Settings.model_validate(
        {"access_cache_seconds": 0, "paper_tick_ms": 20, "commands": {"max_queue_s": 10**9}}
    )
    async with open_gateway(dsn, settings) as gateway:
        account_id = await gateway.add_account("netting", ACCOUNT)
        await gateway.add_key("stocks", KEY, grants={account_id: TRADER})
        trader = PaperTrader(gateway, account_id, KEY)
        trader.start()
        set_clock(trader, SESSION)
        await price(trader, "100")
        yield trader


def set_clock(trader: PaperTrader, at: datetime) -> None:
    """Let the worker's time continue from ``at``."""
    trader.gateway.worker.processor.clock = SetClock(at)


async def price(trader: PaperTrader, price: str, symbol: str = STOCK) -> None:
    """Set the price of a symbol."""
    await trader.gateway.set_price(symbol, price, account_id=trader.account_id, key=trader.key)


async def send(trader: PaperTrader, **fields: Any) -> Any:
    """The answer to an order for one share at the market."""
    order = {"symbol": STOCK, "side": "buy", "order_type": "market", "qty": "1"} | fields
    return await trader.answer("send_order", **order)


async def test_an_entry_outside_the_session_is_refused_with_the_next_open(
    trader: PaperTrader,
) -> None:
    set_clock(trader, SATURDAY)

    answer = await send(trader)

    assert answer.status == 409, answer.body
    detail = answer.json()["detail"]
    assert (detail["code"], detail["reason"]) == ("risk_blocked", "market_closed")
    assert detail["next_open"] == time_text(MONDAY_OPEN)
    limit = await send(trader, order_type="limit", price="90")
    assert limit.json()["detail"]["reason"] == "market_closed"
    assert [row["state"] for row in await trader.orders()] == ["REJECTED", "REJECTED"]
    assert await trader.events("order_risk_blocked")


async def test_the_same_entry_is_filled_in_the_session(trader: PaperTrader) -> None:
    set_clock(trader, MONDAY_OPEN)

    row = await trader.run("send_order", symbol=STOCK, side="buy", order_type="market", qty="2")

    assert (row["order"]["state"], row["order"]["avg_fill_price"]) == ("FILLED", "100")
    await trader.assert_healthy()


async def test_other_symbols_trade_at_any_time(trader: PaperTrader) -> None:
    set_clock(trader, SATURDAY)
    await price(trader, "100", SYMBOL)

    row = await trader.run("send_order", symbol=SYMBOL, side="buy", order_type="market", qty="1")

    assert row["order"]["state"] == "FILLED"


async def test_resting_orders_are_filled_in_sessions_only(trader: PaperTrader) -> None:
    await send(trader, order_type="limit", price="90")
    set_clock(trader, SATURDAY)

    await price(trader, "80")
    await trader.look()

    (order,) = await trader.orders()
    assert order["state"] == "SUBMITTED"
    set_clock(trader, MONDAY_OPEN)
    await price(trader, "85")
    (order,) = await trader.orders()
    assert (order["state"], order["avg_fill_price"]) == ("FILLED", "90")
    await trader.assert_healthy()


async def test_orders_are_canceled_at_any_time(trader: PaperTrader) -> None:
    await send(trader, order_type="limit", price="90")
    set_clock(trader, SATURDAY)
    (order,) = await trader.orders()

    await trader.run("cancel_order", order_id=order["id"])

    assert [row["state"] for row in await trader.orders()] == ["CANCELED"]


async def test_stop_levels_rest_while_the_market_is_closed(trader: PaperTrader) -> None:
    answer = await send(trader, oms_stop_loss="95")
    position = answer.json()["results"][0]["order"]["position_id"]
    set_clock(trader, SATURDAY)

    await price(trader, "90")
    await trader.look()

    assert (await trader.position(position))["state"] == "open"
    set_clock(trader, MONDAY_OPEN)
    assert (await trader.closed(position))["close_reason"] == "sl"
    await trader.assert_healthy()


async def test_a_close_outside_the_session_waits_for_the_open(trader: PaperTrader) -> None:
    sent = await send(trader)
    position = sent.json()["results"][0]["order"]["position_id"]
    # The database decides when a command is due, so the weekend is one that is yet to come.
    saturday = next_saturday()
    opening = LibraryCalendar().hours(Session.US_EQUITY, saturday).next_open
    set_clock(trader, saturday)

    row = await trader.run("close_position", position_id=position)

    assert (row["status"], row["order"]) == ("done", None)
    deferred = await stored(trader, row["deferred_command_id"])
    assert deferred["status"] == "queued"
    assert deferred["request_id"] == f"oms:session:{row['command_id']}:{position}"
    assert (await trader.position(position))["state"] == "open"
    set_clock(trader, opening)
    await release(trader, row["deferred_command_id"])
    await trader.closed(position)
    assert (await stored(trader, row["deferred_command_id"]))["status"] == "done"
    await trader.assert_healthy()


async def test_an_entry_that_waits_for_the_open_is_filled_after_it(trader: PaperTrader) -> None:
    saturday = next_saturday()
    opening = LibraryCalendar().hours(Session.US_EQUITY, saturday).next_open
    set_clock(trader, saturday)

    sent = await send(trader, session_policy="queue_until_open", client_order_id="monday")

    row = sent.json()["results"][0]
    assert (row["status"], row["order"], await trader.orders()) == ("done", None, [])
    set_clock(trader, opening)
    await price(trader, "101")
    await release(trader, row["deferred_command_id"])
    (order,) = await poll_until(trader.orders, bool, 5)
    assert (order["state"], order["avg_fill_price"]) == ("FILLED", "101")
    assert order["client_order_id"] == "monday"
    await trader.assert_healthy()


def next_saturday() -> datetime:
    """Noon of the Saturday of next week."""
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return today + timedelta(days=(5 - today.weekday()) % 7 + 7)


async def stored(trader: PaperTrader, command_id: int) -> Any:
    """The stored command."""
    return await trader.gateway.client.get(f"/oms/commands/{command_id}", key=trader.key)


async def release(trader: PaperTrader, command_id: int) -> None:
    """Let the time pass until which the database holds a command."""
    database = trader.gateway.store.queue._database
    dialect = database.dialect
    text = f"UPDATE oms_commands SET hold_until = {dialect.param} WHERE id = {dialect.param}"

    async def work(session: Any) -> int:
        return int(await session.execute(text, (dialect.encode_time(SESSION), command_id)))

    assert await database.commit(work) == 1


async def test_a_dated_order_without_an_expiry_ends_with_the_session(trader: PaperTrader) -> None:
    dated = {"order_type": "limit", "price": "90", "time_in_force": "GTD"}
    assert (await send(trader, **dated)).status == 200
    close = datetime(2025, 7, 18, 20, tzinfo=UTC)
    (order,) = await trader.orders()
    assert order["expires_at"] == time_text(close)
    set_clock(trader, close + timedelta(seconds=1))
    (order,) = await poll_until(trader.orders, lambda rows: rows[0]["state"] == "EXPIRED", 5)
    set_clock(trader, SATURDAY)
    refused = await send(trader, **dated)
    assert refused.json()["detail"]["reason"] == "market_closed"
    continuous = await send(trader, symbol=SYMBOL, **dated)
    assert (continuous.status, continuous.json()["detail"]["code"]) == (422, "validation_error")
    await trader.assert_healthy()


async def test_the_status_shows_a_calendar_that_ends_or_is_missing(
    trader: PaperTrader,
) -> None:
    processor = trader.gateway.worker.processor

    def health() -> str | None:
        return calendar_health(processor.states.values(), processor.clock.now())

    await price(trader, "100")
    assert health() == "ok"
    last = load_sessions(Session.US_EQUITY)[-1].opens_at
    set_clock(trader, last - timedelta(days=59))
    assert health() == "ends_soon"
    set_clock(trader, last)
    assert health() == "missing"

    async def shown() -> str | None:
        status = await trader.gateway.client.get("/dispatcher/status", key=trader.key)
        (worker,) = status["result"]["workers"]
        calendar: str | None = worker["calendar"]
        return calendar

    await poll_until(shown, lambda calendar: calendar == "missing")
    answer = await trader.gateway.client("GET", "/metrics", key=trader.key)
    assert 'oms_trading_calendar_ok{worker="in-process"} 0' in answer.body.decode()
