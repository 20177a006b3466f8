"""Funding of real exchanges: each payment once, by its own id, with its sign."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import execute
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from oms.adapters.ccxt.client.venue_client import VenueClient
from oms.adapters.ccxt.sync import funding_reader

LINEAR = "BTC/USDT:USDT"


@pytest.mark.parametrize("dialect", ["binance", "bybit", "okx"])
@pytest.mark.parametrize("side", ["buy", "sell"])
async def test_funding_is_booked_once_with_its_sign(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dialect: str, side: str
) -> None:
    due = pay_funding(venue, side)
    exchange_setup.exchange_id = f"ccxt.{dialect}"
    await exchange_setup.start_account(**venue.startup["extra_config"][dialect], rateLimit=2)
    for _ in range(2):
        await exchange_setup.reconcile(scope="long")
    paid = [row for row in await deals(exchange_setup) if row["type"] == "funding"]
    first = [row for row in paid if row["executed_at"].startswith(due.strftime("%Y-%m-%dT%H"))]
    assert len(first) == 1, paid
    assert len({row["exchange_trade_id"] for row in paid}) == len(paid)
    amount = Decimal(first[0]["pnl"])
    assert abs(amount) == 3 and (amount < 0) is (side == "buy")


async def test_a_refused_list_of_funding_leaves_the_rest_and_is_tried_again(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(funding_reader, "RETRY_INTERVAL", timedelta(seconds=0))
    due = pay_funding(venue, "buy")
    refusal = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    venue.control("fault", match="/income", mode="json", status=401, body=refusal, count=1000)
    exchange_setup.exchange_id = "ccxt.binance"
    await exchange_setup.start_account(**venue.startup["extra_config"]["binance"], rateLimit=2)
    await exchange_setup.reconcile(scope="long")
    path = f"/oms/accounts/{exchange_setup.account_id}/connection"
    row = await exchange_setup.client.get(path)
    assert row["funding_unavailable"]["code"] == "auth_failed" and row["trouble"] is None
    types = [each["type"] for each in await deals(exchange_setup)]
    assert "trade" in types and "funding" not in types
    venue.control("clear")
    await exchange_setup.reconcile(scope="short")
    assert (await exchange_setup.client.get(path))["funding_unavailable"] is None
    paid = [each for each in await deals(exchange_setup) if each["type"] == "funding"]
    assert [each for each in paid if each["executed_at"].startswith(f"{due:%Y-%m-%dT%H}")], (
        "what was missed before is read, too"
    )


async def test_funding_that_differs_from_the_list_is_a_discrepancy(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    due = pay_funding(venue, "buy")
    exchange_setup.exchange_id = "ccxt.okx"
    await exchange_setup.start_account(**venue.startup["extra_config"]["okx"], rateLimit=2)
    for _ in range(2):
        await exchange_setup.reconcile(scope="long")
    assert await exchange_setup.discrepancies() == []
    name = f"{due:%Y-%m-%dT%H}%"
    execute(dsn, f"DELETE FROM oms_deals WHERE type = 'funding' AND executed_at NOT LIKE '{name}'")
    execute(dsn, "UPDATE oms_deals SET pnl = '-4' WHERE type = 'funding'")
    await exchange_setup.restart_worker(live_allowed=False)
    await exchange_setup.reconcile(scope="long")
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    await exchange_setup.reconcile(scope="long")
    await exchange_setup.reconcile(scope="short")
    (found,) = await exchange_setup.discrepancies()
    assert (found["class"], found["symbol"], found["policy"]) == ("funding_differs", LINEAR, "ask")
    sums = (found["evidence"]["exchange_sum"], found["evidence"]["booked_sum"])
    assert sums == ("-3", "-4"), found
    execute(dsn, "UPDATE oms_deals SET pnl = '-3' WHERE type = 'funding' AND pnl = '-4'")
    await exchange_setup.restart_worker(live_allowed=False)
    await exchange_setup.reconcile(scope="long")
    assert await exchange_setup.discrepancies() == []


@pytest.mark.parametrize(
    ("dialect", "rate", "long"),
    [("binance", "-0.0001", "3"), ("bybit", "0.0001", "-3"), ("okx", "0.0001", "-3")],
)
async def test_two_legs_of_equal_size_pay_each_other(
    exchange_setup: ExchangeSetup,
    venue: LoopbackExchange,
    opened: Callable[..., Awaitable[VenueClient]],
    dialect: str,
    rate: str,
    long: str,
) -> None:
    client = await opened(dialect, passphrase=venue.startup["passphrases"]["loop-a"])
    await client.write("set_position_mode", True, LINEAR)
    today = datetime.now(UTC)
    due = today.replace(minute=0, second=0, microsecond=0) - timedelta(hours=today.hour % 8)
    venue.control("clock", at=(due - timedelta(minutes=10)).isoformat())
    venue.control("price", symbol=LINEAR, price="60000")
    for side, leg in (("buy", "long"), ("sell", "short")):
        venue.control("external", symbol=LINEAR, side=side, qty="0.5", leg=leg)
    venue.control("funding", symbol=LINEAR, rate=rate)
    venue.control("clock", at=due.isoformat())
    venue.control("price", symbol=LINEAR, price="60000")
    venue.control("clock", offset_s=0)
    exchange_setup.exchange_id, exchange_setup.position_mode = f"ccxt.{dialect}", "hedge"
    await exchange_setup.start_account(**venue.startup["extra_config"][dialect], rateLimit=2)
    for _ in range(2):
        await exchange_setup.reconcile(scope="long")
    path = f"/oms/positions/open?account_ids={exchange_setup.account_id}"
    held = {row["side"]: row for row in (await exchange_setup.client.get(path))["items"]}
    paid = {side: Decimal(row["funding"]) for side, row in held.items()}
    assert paid == {"buy": Decimal(long), "sell": -Decimal(long)}
    assert await exchange_setup.discrepancies() == []


def pay_funding(venue: LoopbackExchange, side: str) -> datetime:
    """Let the exchange book funding of 3 for a position opened ten minutes before it was due.

    Returns when that was: yesterday at eight.
    """
    yesterday = datetime.now(UTC) - timedelta(days=1)
    due = yesterday.replace(hour=8, minute=0, second=0, microsecond=0)
    venue.control("clock", at=(due - timedelta(minutes=10)).isoformat())
    venue.control("price", symbol=LINEAR, price="60000")
    venue.control("external", symbol=LINEAR, side=side, qty="0.5")
    venue.control("funding", symbol=LINEAR, rate="0.0001")
    venue.control("clock", at=(due + timedelta(minutes=10)).isoformat())
    venue.control("price", symbol=LINEAR, price="60000")
    venue.control("clock", offset_s=0)
    return due


async def deals(setup: ExchangeSetup) -> list[dict[str, Any]]:
    today = datetime.now(UTC)
    days = f"start_date={(today - timedelta(days=9)).date()}&end_date={today.date()}"
    fields = await setup.client.get(f"/oms/deals?account_ids={setup.account_id}&{days}")
    rows: list[dict[str, Any]] = fields["items"]
    return rows
