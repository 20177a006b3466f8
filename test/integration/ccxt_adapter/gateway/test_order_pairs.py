"""Pairs of which one cancels the other at an exchange that does not link them (OCO)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import open_gateway
from kit.polling import poll_until
from oms.cli.verify import build_verify_report
from oms.config import Settings

PAIR = {"symbol": LINEAR, "side": "sell", "qty": "0.04", "limit_price": "70000"}
#: Parts of method and path of placements and of cancels.
CREATE = {"ccxt.bybit": "POST /v5/order/create", "ccxt.binance": "POST /fapi/v1/"}
CANCEL = {"ccxt.bybit": "POST /v5/order/cancel", "ccxt.binance": "DELETE /fapi/v1/"}


@pytest.fixture(params=[("ccxt.bybit", "sqlite"), ("ccxt.binance", "mariadb")], ids=lambda p: p[0])
async def pairs(
    request: pytest.FixtureRequest, venue: LoopbackExchange, tables: Path, tmp_path: Path
) -> AsyncIterator[ExchangeSetup]:
    """An account at a price of 60000 that is long 0.04."""
    exchange_id, database = request.param
    dsn = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    if database == "mariadb":
        server: PrivateMariaDB = request.getfixturevalue("mariadb")
        name = f"pairs_{uuid.uuid4().hex[:12]}"
        server.create_database(name)
        dsn = server.dsn(name)
    async with open_gateway(dsn) as gateway:
        setup = ExchangeSetup(gateway, venue, tables, exchange_id=exchange_id)
        extra = venue.startup["extra_config"][exchange_id.removeprefix("ccxt.")]
        await setup.start_account(**extra)
        venue.control("price", symbol=LINEAR, price="60000")
        sent = await setup.send(order_type="market", price=None, qty="0.04")
        await setup.wait_for_order(sent["order_id"], "FILLED")
        yield setup
    if database == "mariadb":
        server.drop_database(name)


async def send_pair(setup: ExchangeSetup, **changes: Any) -> tuple[dict[str, Any], int, int]:
    """Sends a pair; returns the result and the ids of the limit order and of the stop."""
    terms = PAIR | {"trigger_price": "50000"} | changes
    row = await setup.send("send_oco", **terms)
    found = await setup.client.get(f"/oms/commands/{row['command_id']}")
    limit, stop = found["order_ids"]
    return row, limit, stop


def fill_limit(venue: LoopbackExchange, **qty: str) -> None:
    """Fills the limit order of the pair that rests, or ``qty`` of it."""
    rows = [row for row in venue.books()["orders"] if row["price"] == PAIR["limit_price"]]
    venue.control("fill", order_id=rows[-1]["order_id"], **qty)


async def ended(setup: ExchangeSetup, order_id: int) -> dict[str, Any]:
    """Waits until the order is final; returns its row."""
    final = ("FILLED", "CANCELED", "REJECTED")
    return await poll_until(
        lambda: setup.order(order_id), lambda row: row["status"] in final, seconds=15
    )


async def own_commands(setup: ExchangeSetup) -> list[str]:
    """The request ids of the gateway's own commands, once all commands have ended."""
    path = f"/oms/commands?account_ids={setup.account_id}&since=2020-01-01"

    async def read() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await setup.client.get(path))["items"]
        return rows

    final = {"done", "failed", "refused"}
    rows = await poll_until(read, lambda each: {row["status"] for row in each} <= final, seconds=15)
    return [row["request_id"] for row in rows if str(row["request_id"]).startswith("oms:oco:")]


async def assert_books_agree(setup: ExchangeSetup) -> None:
    await own_commands(setup)
    report = await build_verify_report(setup.gateway.store, Settings())
    findings = [each["findings"] for each in report["accounts"] if each["findings"]]
    assert report["ok"], str(findings)


async def test_first_fill_of_the_limit_cancels_the_stop(
    pairs: ExchangeSetup, venue: LoopbackExchange
) -> None:
    row, limit, stop = await send_pair(pairs)
    assert (row["status"], row["order_id"]) == ("done", limit)
    orders = [await pairs.order(order_id) for order_id in (limit, stop)]
    assert [(o["group_id"], o["status"], o["order_type"]) for o in orders] == [
        (limit, "SUBMITTED", "limit"),
        (limit, "SUBMITTED", "stop_market"),
    ]
    assert [(o["reduce_only"], o["reason"], o["cancel_reason"]) for o in orders] == [
        (True, "api", None),
        (True, "sl", None),
    ]
    fill_limit(venue, qty="0.01")
    canceled = await ended(pairs, stop)
    assert (canceled["status"], canceled["cancel_reason"]) == ("CANCELED", "oco")
    assert (await pairs.order(limit))["status"] == "PARTIALLY_FILLED", "its rest goes on"
    assert [each.split(":")[2] for each in await own_commands(pairs)] == [str(stop)]
    fill_limit(venue)
    assert (await ended(pairs, limit))["status"] == "FILLED"
    await assert_books_agree(pairs)


async def test_stop_cancels_the_limit_and_a_cancel_both(
    pairs: ExchangeSetup, venue: LoopbackExchange
) -> None:
    _, limit, stop = await send_pair(pairs, qty="0.01")
    venue.control("price", symbol=LINEAR, price="49000")
    assert (await ended(pairs, stop))["status"] == "FILLED"
    assert (await ended(pairs, limit))["cancel_reason"] == "oco"
    _, limit, stop = await send_pair(pairs, trigger_price="40000", stop_limit_price="39000")
    assert (await pairs.order(stop))["order_type"] == "stop_limit"
    await pairs.send("cancel_order", order_id=stop)
    rows = [await ended(pairs, order_id) for order_id in (stop, limit)]
    assert [(row["status"], row["cancel_reason"]) for row in rows] == [
        ("CANCELED", None),
        ("CANCELED", "oco"),
    ]
    await assert_books_agree(pairs)


async def test_an_order_that_the_exchange_refuses_ends_the_other(
    pairs: ExchangeSetup, venue: LoopbackExchange
) -> None:
    row, limit, stop = await send_pair(pairs, trigger_price="65000")

    async def command() -> dict[str, Any]:
        found: dict[str, Any] = await pairs.client.get(f"/oms/commands/{row['command_id']}")
        return found

    # Binance answers with a code that does not say whether it was placed, so it is looked up.
    failed = await poll_until(command, lambda each: each["status"] == "failed", seconds=15)
    assert failed["error"]["message"].startswith("one order of the pair failed"), failed
    assert (await ended(pairs, stop))["status"] == "REJECTED"
    canceled = await ended(pairs, limit)
    assert (canceled["status"], canceled["cancel_reason"]) == ("CANCELED", "oco")
    assert len(await own_commands(pairs)) == 1
    path = f"/oms/orders/open?account_ids={pairs.account_id}"
    assert (await pairs.client.get(path))["items"] == []


@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "arrived"])
async def test_a_stop_between_the_two_sends_asks_and_never_sends_again(
    pairs: ExchangeSetup, venue: LoopbackExchange, arrives: bool
) -> None:
    mode = "accept_then_hang" if arrives else "hang"
    create = CREATE[pairs.exchange_id]

    async def requests() -> int:
        return sum(each.startswith(create) for each in venue.paths())

    before = await requests()
    venue.control("fault", mode=mode, match=create)
    sent = asyncio.create_task(pairs.send("send_oco", **PAIR, trigger_price="50000"))
    await poll_until(requests, lambda number: number == before + 2, seconds=10)
    await pairs.restart_worker(live_allowed=False)
    row = await sent
    found = await pairs.client.get(f"/oms/commands/{row['command_id']}")
    limit, stop = found["order_ids"]
    if arrives:
        assert (await pairs.wait_for_order(limit, "SUBMITTED"))["group_id"] == limit
        assert (await pairs.wait_for_order(stop, "SUBMITTED"))["group_id"] == limit
    else:
        rows = [await ended(pairs, order_id) for order_id in (limit, stop)]
        assert sorted((row["status"], row["cancel_reason"]) for row in rows) == [
            ("CANCELED", "oco"),
            ("REJECTED", None),
        ]
    assert await requests() == before + 2, "nothing is sent twice"


async def test_a_cancel_that_fails_is_repeated_and_late_fills_are_booked(
    pairs: ExchangeSetup, venue: LoopbackExchange
) -> None:
    _, limit, stop = await send_pair(pairs, qty="0.01", reduce_only=False)
    venue.control("fault", mode="http", status=503, match=CANCEL[pairs.exchange_id], count=2)
    fill_limit(venue, qty="0.005")
    venue.control("price", symbol=LINEAR, price="49000")
    late = await ended(pairs, stop)
    assert (late["status"], late["cancel_reason"]) == ("FILLED", None)
    assert (await pairs.order(limit))["status"] == "PARTIALLY_FILLED", "the first one goes on"
    await assert_books_agree(pairs)
