"""How many requests the history of an account takes at a venue that lists by symbol (Binance)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.value import evolve

COINS = ("BTC", "ETH", "SOL", "XRP", "DOGE")
#: Symbols in which these coins are bought: five with USDT, and two others.
SYMBOLS = 7
TRADES, ORDERS = "/api/v3/myTrades", "/api/v3/allOrders"
INCOME = "/fapi/v1/income"
QUIET: dict[str, Any] = {
    "timings": evolve(FAST_TIMINGS, live_poll_seconds=60.0, idle_poll_seconds=60.0),
    "extra": {"rateLimit": 2},
}


@pytest.fixture
async def binance(new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange) -> CcxtHarness:
    """An account with two executions of each coin, 80 and 40 days old."""
    for days in (80, 40):
        venue.control("clock", offset_s=-86_400 * days)
        for coin in COINS:
            venue.control("price", symbol=f"{coin}/USDT", price="10")
            venue.control("external", symbol=f"{coin}/USDT", side="buy", qty="100")
    venue.control("clock", offset_s=0)
    return await new_harness("binance", **QUIET).wait_ready()


def counts(venue: LoopbackExchange) -> tuple[int, int]:
    return len(venue.paths(TRADES)), len(venue.paths(ORDERS))


async def test_ninety_days_of_spot_history_take_a_page_per_symbol(
    binance: CcxtHarness, venue: LoopbackExchange
) -> None:
    trades, orders = counts(venue)
    requests = len(venue.paths("api/v"))
    seen = await binance.exchange.snapshot(now() - timedelta(days=90), now())
    assert len(seen.trades) == 10
    # Executions are read once more at the end: of those made meanwhile.
    assert counts(venue) == (trades + 2 * SYMBOLS, orders + SYMBOLS)
    assert len(venue.paths(INCOME)) == 1
    assert len(venue.paths("api/v")) - requests == 3 * SYMBOLS + 10


async def test_older_executions_on_the_newest_page_are_left_out(
    binance: CcxtHarness, venue: LoopbackExchange
) -> None:
    seen = await binance.exchange.snapshot(now() - timedelta(days=60), now())
    assert len(seen.trades) == 5
    assert len({report.exchange_order_id for report in seen.orders}) == 5


async def test_a_coin_whose_total_is_unchanged_is_not_read_again(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> None:
    for coin in COINS:
        venue.control("deposit", currency=coin, amount="100")
    harness = await new_harness("binance", **QUIET).wait_ready()
    since = now() - timedelta(hours=1)
    await harness.exchange.snapshot(since, now())
    first = counts(venue)
    await harness.exchange.snapshot(since, now())
    assert counts(venue) == first, "nothing can have been executed"
    venue.control("external", symbol="SOL/USDT", side="sell", qty="100")
    seen = await harness.exchange.snapshot(since, now())
    assert [symbol for symbol, _ in seen.trades] == ["SOL/USDT"]
    read = counts(venue)
    assert read == (first[0] + 2, first[1] + 1)
    await harness.exchange.snapshot(since - timedelta(minutes=30), now())
    # What lies before the history that was read is not known.
    assert counts(venue)[1] == read[1] + SYMBOLS
