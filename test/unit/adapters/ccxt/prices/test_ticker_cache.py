"""Tickers of real exchanges: the first one is read when it is needed, an outdated one is none."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.polling import poll_until
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.prices.price_parser import parse_quote
from oms.adapters.ccxt.prices.ticker_cache import TickerCache
from oms.adapters.ccxt.timings import Timings

SYMBOL = "BTC/USDT"
TIMINGS = Timings(live_poll_seconds=0.02, first_ticker_seconds=0.1, ticker_age_seconds_max=10)


BOOK_DEPTH = 50


class ScriptedTickers:
    """Answers reads with ``row``; without one they hang, or fail while ``is_down``."""

    def __init__(self) -> None:
        self.row: dict[str, Any] | None = {"bid": "99", "ask": "101", "info": {}}
        self.book: dict[str, Any] = {"bids": [], "asks": []}
        self.is_down = False
        self.reads = 0

    async def read(self, method: str, symbol: str, limit: int | None = None) -> Any:
        if (method, symbol, limit) == ("fetch_order_book", SYMBOL, BOOK_DEPTH):
            return self.book
        assert (method, symbol, limit) == ("fetch_ticker", SYMBOL, None)
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
def seconds() -> list[float]:
    """The monotonic clock, which a test changes in place."""
    return [0.0]


@pytest.fixture
def clock() -> list[datetime]:
    """The system's clock, which a test changes in place."""
    return [datetime(2024, 1, 1, tzinfo=UTC)]


@pytest.fixture
def tickers(client: Any, clock: list[datetime], seconds: list[float]) -> TickerCache:
    return TickerCache(client, lambda: clock[0], TIMINGS, BOOK_DEPTH, lambda: seconds[0])


async def test_the_first_ticker_is_read_when_it_is_needed(
    client: ScriptedTickers, tickers: TickerCache
) -> None:
    quote = await tickers.fetch(SYMBOL)
    assert quote is not None and (quote.bid, quote.ask) == (Decimal(99), Decimal(101))
    assert await tickers.fetch(SYMBOL) == tickers.quote(SYMBOL) == quote
    assert client.reads == 1, "a current ticker is not read again"


@pytest.mark.parametrize("sent", [None, "0", "-1"])
async def test_a_last_or_mark_price_that_is_not_positive_is_none(
    client: ScriptedTickers, tickers: TickerCache, sent: str | None
) -> None:
    """A stop level compared with 0 would close the position."""
    client.row = {"bid": "99", "ask": "101", "last": sent, "markPrice": sent, "info": {}}
    quote = await tickers.fetch(SYMBOL)
    assert quote is not None and (quote.last, quote.mark) == (None, None)
    parsed = parse_quote(client.row, Decimal(1), SYMBOL, quote.at)
    assert parsed is not None and (parsed.last, parsed.mark) == (None, None)


async def test_where_tickers_have_no_best_prices_the_book_is_read(
    client: ScriptedTickers, tickers: TickerCache
) -> None:
    """As at Binance futures."""
    client.row = {"bid": None, "ask": None, "last": "100", "info": {}}
    assert await tickers.fetch(SYMBOL) is None
    client.book = {"bids": [["98", "2"], ["99", "1"]], "asks": [["101", "3"]]}
    quote = await tickers.fetch(SYMBOL)
    assert quote is not None and (quote.bid, quote.ask, quote.last) == (99, 101, 100)
    assert (quote.bid_qty, quote.ask_qty, quote.bids) == (1, 3, ()), "the best prices only"


async def test_concurrent_callers_share_the_first_read(
    client: ScriptedTickers, tickers: TickerCache
) -> None:
    quotes = await asyncio.gather(*(tickers.fetch(SYMBOL) for _ in range(3)))
    assert client.reads == 1 and quotes[0] is not None and len(set(map(id, quotes))) == 1


@pytest.mark.parametrize("is_down", [True, False])
async def test_without_an_answer_the_wait_is_limited(
    client: ScriptedTickers, tickers: TickerCache, is_down: bool
) -> None:
    client.row, client.is_down = None, is_down
    async with asyncio.timeout(2):
        assert await tickers.fetch(SYMBOL) is None


async def test_a_failed_read_ends_the_old_ticker(
    client: ScriptedTickers, tickers: TickerCache
) -> None:
    polling = asyncio.create_task(tickers.run())
    assert await tickers.fetch(SYMBOL) is not None
    client.is_down = True

    async def read() -> object:
        return tickers.quote(SYMBOL)

    await poll_until(read, lambda quote: quote is None, seconds=2)
    client.is_down = False
    await poll_until(read, lambda quote: quote is not None, seconds=2)
    client.row = {"bid": None, "ask": "101", "info": {}}
    await poll_until(read, lambda quote: quote is None, seconds=2)
    polling.cancel()


async def test_a_ticker_expires_while_reads_hang(
    client: ScriptedTickers, tickers: TickerCache, seconds: list[float]
) -> None:
    assert await tickers.fetch(SYMBOL) is not None
    client.row = None
    seconds[0] += 11
    assert tickers.quote(SYMBOL) is None


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)])
async def test_steps_of_the_clock_do_not_change_the_age_of_a_ticker(
    client: ScriptedTickers,
    tickers: TickerCache,
    clock: list[datetime],
    seconds: list[float],
    step: timedelta,
) -> None:
    first = await tickers.fetch(SYMBOL)
    clock[0] += step
    seconds[0] += 9
    assert tickers.quote(SYMBOL) is first is not None
    clock[0] -= step  # by the clock the ticker is new
    seconds[0] += 2
    assert tickers.quote(SYMBOL) is None


async def test_a_closing_task_does_not_end_the_read_of_others(
    client: ScriptedTickers, tickers: TickerCache
) -> None:
    first = asyncio.create_task(tickers.fetch(SYMBOL))
    second = asyncio.create_task(tickers.fetch(SYMBOL))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is not None
