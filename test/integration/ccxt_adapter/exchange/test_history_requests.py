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
CONTRACT_PATHS = ("/fapi/v1/userTrades", "/fapi/v1/allOrders", INCOME)
HELD, FLAT, RECENT = "BTC/USDT:USDT", "XRP/USDT:USDT", "ETH/USDT:USDT"
#: Days ago, and what was traded.
CONTRACT_TRADES = {
    30: [(HELD, "buy"), (FLAT, "buy")],
    20: [(FLAT, "sell")],
    2: [(RECENT, "sell")],
}
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


def but_balances(venue: LoopbackExchange) -> list[str]:
    """Return all requests but reads of balances, which are also made on their own schedule."""
    return [path for path in venue.paths("api/v") if not path.endswith("/v3/account")]


async def test_ninety_days_of_spot_history_take_a_page_per_symbol(
    binance: CcxtHarness, venue: LoopbackExchange
) -> None:
    trades, orders = counts(venue)
    requests = len(but_balances(venue))
    seen = await binance.exchange.snapshot(now() - timedelta(days=90), now())
    assert len(seen.trades) == 10
    # Executions are read once more at the end: of those made meanwhile.
    assert counts(venue) == (trades + 2 * SYMBOLS, orders + SYMBOLS)
    assert len(venue.paths(INCOME)) == 2, "which contracts were active, and funding"
    assert len(but_balances(venue)) - requests == 3 * SYMBOLS + 9


@pytest.fixture
async def contracts(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange
) -> CcxtHarness:
    """An account with a contract traded long ago, one opened and closed, one traded lately."""
    for days, trades in CONTRACT_TRADES.items():
        venue.control("clock", offset_s=-86_400 * days)
        for symbol, side in trades:
            venue.control("price", symbol=symbol, price="10")
            venue.control("external", symbol=symbol, side=side, qty="100")
    venue.control("clock", offset_s=0)
    return await new_harness("binance", **QUIET).wait_ready()


async def test_ninety_days_of_contracts_take_a_page_per_symbol(
    contracts: CcxtHarness, venue: LoopbackExchange
) -> None:
    """Spans of 7 days would take 13 requests per symbol and list."""
    before = [len(venue.paths(path)) for path in CONTRACT_PATHS]
    seen = await contracts.exchange.snapshot(now() - timedelta(days=90), now())
    assert len(seen.trades) == 4, "also of the symbol that is flat again, which nothing names"
    counts = [len(venue.paths(path)) for path in CONTRACT_PATHS]
    made = [after - count for count, after in zip(before, counts, strict=True)]
    # Executions are read once more at the end. Both lists of the lately traded symbol may be those
    # of the last days only. Its income proves that it was idle before, since 90 days less an hour:
    # that hour takes one more request of each list.
    assert made == [3 + 1 + 3, 3 + 1, 2]


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
