"""Tickers of real exchanges: the first one is read when it is needed, an outdated one is none."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.polling import poll_until
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.prices.ticker_cache import TickerCache
from oms.adapters.ccxt.timings import Timings

SYMBOL = "BTC/USDT"
TIMINGS = Timings(live_poll_seconds=0.02, first_ticker_seconds=0.1, ticker_age_seconds_max=10)


class ScriptedTickers:
    """Answers reads with ``row``; without one they hang, or fail while ``is_down``."""

    def __init__(self) -> None:
        self.row: dict[str, Any] | None = {"bid": "99", "ask": "101", "info": {}}
        self.is_down = False
        self.reads = 0

    async def read(self, method: str, symbol: str) -> Any:
        assert (method, symbol) == ("fetch_ticker", SYMBOL)
        self.reads += 1
        if self.is_down:
            raise ReadFailed("exchange_unavailable", "no answer", retryable=True)
        if self.row is None:
            await asyncio.Event().wait()
        return self.row


@pytest.fixture
def client() -> ScriptedTickers:
    return ScriptedTickers()


@pytest.fixture
def clock() -> list[datetime]:
    """The time, which a test changes in place."""
    return [datetime(2024, 1, 1, tzinfo=UTC)]


@pytest.fixture
def tickers(client: Any, clock: list[datetime]) -> TickerCache:
    return TickerCache(client, lambda: clock[0], TIMINGS)


async def test_the_first_ticker_is_read_when_it_is_needed(
    client: ScriptedTickers, tickers: TickerCache, clock: list[datetime]
) -> None:
    quote = await tickers.fetch(SYMBOL, clock[0])
    assert quote is not None and (quote.bid, quote.ask) == (Decimal(99), Decimal(101))
    assert await tickers.fetch(SYMBOL, clock[0]) == tickers.quote(SYMBOL, clock[0]) == quote
    assert client.reads == 1, "a current ticker is not read again"


async def test_concurrent_callers_share_the_first_read(
    client: ScriptedTickers, tickers: TickerCache, clock: list[datetime]
) -> None:
    quotes = await asyncio.gather(*(tickers.fetch(SYMBOL, clock[0]) for _ in range(3)))
    assert client.reads == 1 and quotes[0] is not None and len(set(map(id, quotes))) == 1


@pytest.mark.parametrize("is_down", [True, False])
async def test_without_an_answer_the_wait_is_limited(
    client: ScriptedTickers, tickers: TickerCache, clock: list[datetime], is_down: bool
) -> None:
    client.row, client.is_down = None, is_down
    async with asyncio.timeout(2):
        assert await tickers.fetch(SYMBOL, clock[0]) is None


async def test_a_failed_read_ends_the_old_ticker(
    client: ScriptedTickers, tickers: TickerCache, clock: list[datetime]
) -> None:
    polling = asyncio.create_task(tickers.run())
    assert await tickers.fetch(SYMBOL, clock[0]) is not None
    client.is_down = True

    async def read() -> object:
        return tickers.quote(SYMBOL, clock[0])

    await poll_until(read, lambda quote: quote is None, seconds=2)
    client.is_down = False
    await poll_until(read, lambda quote: quote is not None, seconds=2)
    client.row = {"bid": None, "ask": "101", "info": {}}
    await poll_until(read, lambda quote: quote is None, seconds=2)
    polling.cancel()


async def test_a_ticker_expires_while_reads_hang(
    client: ScriptedTickers, tickers: TickerCache, clock: list[datetime]
) -> None:
    assert await tickers.fetch(SYMBOL, clock[0]) is not None
    client.row = None
    clock[0] += timedelta(seconds=11)
    assert tickers.quote(SYMBOL, clock[0]) is None


async def test_a_closing_task_does_not_end_the_read_of_others(
    client: ScriptedTickers, tickers: TickerCache, clock: list[datetime]
) -> None:
    first = asyncio.create_task(tickers.fetch(SYMBOL, clock[0]))
    second = asyncio.create_task(tickers.fetch(SYMBOL, clock[0]))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None
