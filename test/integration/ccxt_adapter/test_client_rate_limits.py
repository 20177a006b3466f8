"""One budget for all clients of a key, as the exchange sees it: priorities and pauses."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from kit.databases.schema import create_schema
from kit.databases.sql import fetch_rows
from kit.exchanges.loopback_process import LoopbackExchange
from kit.polling import poll_until
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.ccxt.client.request_errors import NotSent, Overloaded, ReadFailed
from oms.adapters.ccxt.client.venue_client import VenueClient
from oms.adapters.ccxt.ratelimit.rate_bucket import RateLimitBuckets
from oms.adapters.ccxt.ratelimit.request_throttle import RequestThrottle
from oms.adapters.ccxt.ratelimit.shared_bucket import SharedRateLimitBucket
from oms.adapters.sql.store import SqlStore

Opened = Callable[..., Awaitable[VenueClient]]
LINEAR = "BTC/USDT:USDT"
#: Snapshot reads that wait when the cancel comes, and the requests that a second allows.
READS, LIMIT = 500, 10
MONEY = {"USDT": "100000"}
#: The requests per second and key that the loopback exchange reports.
USUAL = 50


async def order(client: VenueClient) -> Any:
    return await client.write("create_order", LINEAR, "limit", "buy", "0.1", "50000")


async def test_a_cancel_overtakes_the_snapshots_of_every_client(
    venue: LoopbackExchange, opened: Opened
) -> None:
    """Row 20, second half. Its key is its own: requests of the test before would count, too."""
    venue.control("account", key="row-20", secret="row-20", account="row-20", balances=MONEY)
    key = {"api_key": "row-20", "secret": "row-20"}
    here, mirror = await opened(**key), await opened(**key, account_id=2)
    made = await order(here)
    venue.control("limit", per_second=LIMIT)
    await here.read("fetch_balance")
    before = venue.control("log")["log"][-1]["number"]
    reads = [
        asyncio.create_task(client.read("fetch_balance"))
        for _ in range(READS // 2)
        for client in (here, mirror)
    ]
    await asyncio.sleep(0)
    asked = time.monotonic()
    await here.write("cancel_order", made["id"], LINEAR)
    assert time.monotonic() - asked < 1

    async def log() -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = venue.control("log", after=before)["log"]
        return entries

    seen = await poll_until(log, lambda entries: len(entries) > 2 * LIMIT)
    for each in reads:
        each.cancel()
    await asyncio.gather(*reads, return_exceptions=True)
    cancel = next(n for n, row in enumerate(seen) if row["path"].endswith("order/cancel"))
    assert cancel <= LIMIT
    assert all(row["status"] in (0, 200) for row in seen), "nothing was refused"
    times = [datetime.fromisoformat(row["time"]) for row in seen]
    assert all(b - a >= timedelta(seconds=1) for a, b in zip(times, times[LIMIT:], strict=False))


async def test_a_path_with_a_limit_of_its_own_is_not_overrun(
    venue: LoopbackExchange, opened: Opened
) -> None:
    """A venue may limit orders and reads separately in the same second."""
    client = await opened()
    venue.control("limit", per_second=5, match="/order/create")
    await order(client)
    before = venue.control("log")["log"][-1]["number"]
    await asyncio.gather(*(order(client) for _ in range(12)))
    seen = venue.control("log", after=before, match="/order/create")["log"]
    assert len(seen) == 12, "nothing was refused, and sent again"
    times = [datetime.fromisoformat(row["time"]) for row in seen]
    assert all(b - a >= timedelta(seconds=1) for a, b in zip(times, times[5:], strict=False))


async def test_one_overload_pauses_the_key_and_nothing_is_lost(
    venue: LoopbackExchange, opened: Opened
) -> None:
    client, mirror = await opened(), await opened(account_id=2)
    venue.control("fault", match="order/create", mode="rate_limit")
    refused: list[float] = []
    try:
        await order(client)
    except Overloaded as overloaded:
        refused.append(overloaded.retry_after)
    assert refused == [1]
    asked = time.monotonic()
    assert (await order(mirror))["id"]
    assert time.monotonic() - asked > 0.8, "the other client of the key waits as well"
    assert len(venue.books()["orders"]) == 1


async def test_pauses_grow_while_overload_lasts(venue: LoopbackExchange, opened: Opened) -> None:
    client = await opened()
    venue.control("fault", match="order/create", mode="rate_limit", count=2)
    pauses: list[float] = []
    for _ in range(2):
        try:
            await order(client)
        except Overloaded as overloaded:
            pauses.append(overloaded.retry_after)
    assert pauses == [1, 2]


async def test_after_a_ban_requests_fail_without_being_sent(
    venue: LoopbackExchange, opened: Opened
) -> None:
    client = await opened()
    venue.control("fault", match="order/create", mode="ban")
    try:
        await order(client)
    except Overloaded as overloaded:
        assert overloaded.retry_after == 120
    before = venue.control("log")["log"][-1]["number"]
    asked = time.monotonic()
    for call in (order(client), client.read("fetch_balance")):
        try:
            await call
        except (NotSent, ReadFailed) as refused:
            assert refused.code == "exchange_rate_limited"
            assert refused.retry_after is not None and refused.retry_after > 100
        else:
            raise AssertionError("it left")
    assert time.monotonic() - asked < 1
    assert venue.control("log", after=before)["log"] == []


async def test_two_workers_share_the_budget_of_one_key(
    venue: LoopbackExchange, made: Callable[..., VenueClient], tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    await create_schema(url)
    store = await SqlStore.open(url, check_account)
    clients = list[VenueClient]()
    for account_id in (1, 2):
        client = made(account_id=account_id, is_key_shared=True)
        buckets = RateLimitBuckets(make_shared=partial(SharedRateLimitBucket, store.rate_budget))
        client._throttle = RequestThrottle(
            buckets, venue="bybit", environment="loopback", api_key="loop-a", is_key_shared=True
        )
        await client.open()
        clients.append(client)
    before = venue.control("log")["log"][-1]["number"]
    await asyncio.gather(
        *(client.read("fetch_balance") for client in clients for _ in range(2 * LIMIT))
    )
    await store.close()
    asked = len(venue.control("log", after=before)["log"])
    keys = "SELECT used FROM rate_chunks WHERE scope LIKE '% key %'"
    used = [row[0] / 1000 for row in fetch_rows(url, keys)]
    assert all(each <= 0.8 * USUAL for each in used), "no second has more for both together"
    assert sum(used) >= asked >= 4 * LIMIT, "each bucket is shared"


async def test_spot_and_contracts_of_binance_have_separate_budgets(
    made: Callable[..., VenueClient], tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    await create_schema(url)
    store = await SqlStore.open(url, check_account)
    client = made("binance_tls", environment="loopback")
    client._throttle = RequestThrottle(
        RateLimitBuckets(make_shared=partial(SharedRateLimitBucket, store.rate_budget)),
        venue="binance",
        environment="loopback",
        api_key="loop-a",
    )
    await client.open()
    for symbol in (LINEAR, "BTC/USDT"):
        await client.read("fetch_my_trades", symbol)
    await store.close()
    entries = {name for (name,) in fetch_rows(url, "SELECT DISTINCT scope FROM rate_chunks")}
    assert entries == {"binance.loopback address", "binance.loopback address fapi"}
