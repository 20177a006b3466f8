"""Price feeds over a scripted venue: requests, updates, sharing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.builders import an_instrument
from kit.polling import poll_until
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.request_errors import NotSent, ReadFailed
from oms.adapters.ccxt.extra_config import price_environment
from oms.adapters.ccxt.prices.price_feed import PriceFeed
from oms.adapters.ccxt.prices.price_feeds import AccountPrices, PriceFeeds
from oms.adapters.ccxt.prices.price_parser import parse_book, parse_public_trade, parse_quote
from oms.adapters.ccxt.prices.public_client import PublicClient, build_price_spec
from oms.adapters.ccxt.prices.symbol_prices import PublicPriceClient
from oms.domain.account import Account, Environment, PositionMode
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.quotes import PublicTrade, Quote
from oms.ports.price_feed import MarkPrice

SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"
NOW = datetime(2026, 5, 1, tzinfo=UTC)


class ScriptedVenue:
    """Answers what a test sets; ``open`` waits while ``hangs`` is set."""

    hosts_called: Sequence[str] = ("prices.example",)
    last_call_at = None
    clock_ahead_ms = 1000

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.refuses: Exception | None = None
        self.is_closed = False
        self.methods: set[str] = set()
        self.hangs = False

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        contract = an_instrument(
            symbol=LINEAR, kind=InstrumentKind.LINEAR, amount_unit=Decimal("0.1")
        )
        return {SPOT: an_instrument(symbol=SPOT, kind=InstrumentKind.SPOT), LINEAR: contract}

    def has(self, method: str) -> bool:
        return method in self.methods

    async def open(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses is not None:
            raise self.refuses

    async def call(self, method: str, *args: Any) -> Any:
        self.asked.append((method, args[0]))
        updates = self.answers.get(method)
        if isinstance(updates, Exception):
            raise updates
        if updates is None:
            await asyncio.Event().wait()
        return updates

    async def close(self) -> None:
        self.is_closed = True


def ticker(bid: str, ask: str, **more: Any) -> dict[str, Any]:
    return {"bid": bid, "ask": ask, "bidVolume": "20", "askVolume": None, "info": {}, **more}


def trade(name: str, price: str, at_ms: int) -> dict[str, Any]:
    return {"id": name, "price": price, "amount": "30", "side": "sell", "timestamp": at_ms}


@pytest.fixture
def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
async def feed(venue: ScriptedVenue) -> AsyncIterator[PriceFeed]:
    feed = PriceFeed("bybit", lambda: venue, timeout_seconds=0.1, interval_seconds=0.02)
    yield feed
    await feed.close()


async def until(is_so: Callable[[], object]) -> None:
    async def check() -> object:
        return is_so()

    await poll_until(check, bool, seconds=5)


async def test_tickers_of_all_symbols_are_one_request_per_kind(
    feed: PriceFeed, venue: ScriptedVenue
) -> None:
    prices = AccountPrices(feed, lambda: None)
    venue.answers["fetch_tickers"] = {
        SPOT: ticker("10.1", "10.2"),
        LINEAR: ticker("9.5", "10.5", markPrice="10"),
    }
    feed.start()
    assert not prices.take_updates(SPOT, datetime.now(UTC), with_depth=False)
    prices.take_updates(LINEAR, datetime.now(UTC), with_depth=False)
    assert prices.is_pending(SPOT)
    await until(lambda: prices.newest(LINEAR, datetime.now(UTC)))
    quote, mark = prices.take_updates(LINEAR, datetime.now(UTC), with_depth=False)[:2]
    assert isinstance(quote, Quote) and isinstance(mark, MarkPrice)
    assert (quote.bid, quote.ask, quote.bid_qty, quote.ask_qty) == (
        Decimal("9.5"),
        Decimal("10.5"),
        2,
        None,
    )
    assert mark.price == 10
    assert not prices.is_pending(LINEAR)
    assert [SPOT] in [symbols for _, symbols in venue.asked]
    assert {method for method, _ in venue.asked} == {"fetch_tickers"}


async def test_with_open_orders_the_book_is_read_and_only_new_trades_are_reported(
    feed: PriceFeed, venue: ScriptedVenue
) -> None:
    prices = AccountPrices(feed, lambda: None)
    venue.answers["fetch_tickers"] = {LINEAR: ticker("1", "2")}
    book = {"bids": [["9.5", "10"], ["10.1", "20"]], "asks": [["10.4", "5"], ["9.9e1", "1"]]}
    venue.answers["fetch_order_book"] = book
    venue.answers["fetch_trades"] = [trade("1", "10", 0)]
    feed.start()
    updates: list[Any] = []

    def take_all(kind: type) -> bool:
        updates.extend(prices.take_updates(LINEAR, datetime.now(UTC), with_depth=True))
        return any(isinstance(each, kind) for each in updates)

    await until(lambda: take_all(Quote))
    assert not take_all(PublicTrade), "trades before the first read are not reported"
    quote = updates[0]
    assert quote.bids == ((Decimal("10.1"), 2), (Decimal("9.5"), 1)), "best first, in base"
    venue.answers["fetch_trades"] = [trade("1", "10", 0), trade("2", "10.2", 1_700_000_000_000)]
    await until(lambda: take_all(PublicTrade))
    (traded,) = [each for each in updates if isinstance(each, PublicTrade)]
    assert (traded.price, traded.qty) == (Decimal("10.2"), 3)
    assert traded.at == datetime.fromtimestamp(1_700_000_001, UTC), "by our clock"
    after = updates[updates.index(traded) + 1]
    assert isinstance(after, Quote), "the order book after it follows"


async def test_best_prices_and_marks_have_separate_requests_where_available(
    feed: PriceFeed, venue: ScriptedVenue
) -> None:
    prices = AccountPrices(feed, lambda: None)
    venue.methods = {"fetchBidsAsks", "fetchMarkPrices"}
    venue.answers["fetch_bids_asks"] = {LINEAR: ticker("9", "11"), SPOT: ticker("9", "11")}
    venue.answers["fetch_mark_prices"] = {LINEAR: {"markPrice": "10", "info": {}}}
    feed.start()
    prices.take_updates(SPOT, datetime.now(UTC), with_depth=False)
    updates: list[Any] = []

    def take_all() -> bool:
        updates.extend(prices.take_updates(LINEAR, datetime.now(UTC), with_depth=False))
        return {type(each) for each in updates} == {Quote, MarkPrice}

    await until(take_all)
    marks = [symbols for method, symbols in venue.asked if method == "fetch_mark_prices"]
    assert marks and all(symbols == [LINEAR] for symbols in marks)
    assert len(marks) < len(venue.asked) / 2, "less often than prices"


async def test_without_a_recent_mark_the_mid_price_counts(venue: ScriptedVenue) -> None:
    now = [NOW]
    feed = PriceFeed(
        "kraken", lambda: venue, timeout_seconds=0.1, interval_seconds=0.02, clock=lambda: now[0]
    )
    prices = AccountPrices(feed, lambda: None)
    venue.answers["fetch_tickers"] = {LINEAR: ticker("9", "11", markPrice="10")}
    venue.answers["fetch_trades"] = []
    venue.answers["fetch_order_book"] = {"bids": [["20", "1"]], "asks": [["22", "1"]]}
    feed.start()
    updates: list[Any] = []

    def marks() -> list[Decimal]:
        updates.extend(prices.take_updates(LINEAR, now[0], with_depth=True))
        return [each.price for each in updates if isinstance(each, MarkPrice)]

    await until(lambda: 10 in marks())
    venue.answers["fetch_tickers"] = {}
    now[0] += timedelta(seconds=11)
    await until(lambda: 21 in marks())
    await feed.close()


async def test_a_mark_that_is_not_read_any_more_is_replaced_by_the_mid_price(
    venue: ScriptedVenue,
) -> None:
    now = [NOW]
    feed = PriceFeed(
        "kraken", lambda: venue, timeout_seconds=0.1, interval_seconds=0.02, clock=lambda: now[0]
    )
    prices = AccountPrices(feed, lambda: None)
    venue.methods = {"fetchMarkPrices"}
    venue.answers["fetch_tickers"] = {LINEAR: ticker("9", "11")}
    venue.answers["fetch_mark_prices"] = {LINEAR: {"markPrice": "10", "info": {}}}
    feed.start()
    updates: list[Any] = []

    def marks() -> list[Decimal]:
        updates.extend(prices.take_updates(LINEAR, now[0], with_depth=False))
        return [each.price for each in updates if isinstance(each, MarkPrice)]

    await until(lambda: 10 in marks())
    venue.answers["fetch_mark_prices"] = ReadFailed("exchange_unavailable", "no", retryable=True)
    venue.answers["fetch_tickers"] = {LINEAR: ticker("20", "22")}
    now[0] += timedelta(seconds=11)
    await until(lambda: 21 in marks())
    await feed.close()


async def test_prices_go_on_after_the_clock_was_set_back(venue: ScriptedVenue) -> None:
    now = [NOW]
    feed = PriceFeed(
        "kraken", lambda: venue, timeout_seconds=0.1, interval_seconds=0.02, clock=lambda: now[0]
    )
    prices = AccountPrices(feed, lambda: None)
    venue.methods = {"fetchMarkPrices"}

    def reply(price: int) -> None:
        venue.answers["fetch_tickers"] = {LINEAR: ticker(f"{price - 1}", f"{price + 1}")}
        venue.answers["fetch_mark_prices"] = {LINEAR: {"markPrice": f"{price}", "info": {}}}

    updates: list[Any] = []

    def take() -> set[tuple[type, Decimal]]:
        updates.extend(prices.take_updates(LINEAR, now[0], with_depth=False))
        return {
            (type(each), each.price if isinstance(each, MarkPrice) else each.bid + 1)
            for each in updates
        }

    reply(10)
    feed.start()
    await until(lambda: take() >= {(Quote, Decimal(10)), (MarkPrice, Decimal(10))})
    now[0] -= timedelta(hours=1)
    reply(20)
    await until(lambda: take() >= {(Quote, Decimal(20)), (MarkPrice, Decimal(20))})
    await feed.close()


async def test_a_request_that_hangs_delays_no_other_and_is_reported(
    feed: PriceFeed, venue: ScriptedVenue
) -> None:
    prices = AccountPrices(feed, lambda: None)
    venue.answers["fetch_tickers"] = {SPOT: ticker("10.1", "10.2")}
    feed.start()
    prices.take_updates(LINEAR, datetime.now(UTC), with_depth=True)
    await until(lambda: prices.newest(SPOT, datetime.now(UTC)))
    venue.answers["fetch_tickers"] = ReadFailed("exchange_unavailable", "down", retryable=True)
    await until(prices.unavailable_reason)
    why = prices.unavailable_reason()
    assert why is not None and why.code == "exchange_unavailable"
    venue.answers["fetch_tickers"] = {SPOT: ticker("11", "12")}
    venue.answers["fetch_trades"] = []
    venue.answers["fetch_order_book"] = {"bids": [], "asks": []}
    await until(lambda: prices.unavailable_reason() is None)


async def test_a_missing_library_makes_the_feed_unavailable(venue: ScriptedVenue) -> None:
    venue.refuses = NotSent("engine_unavailable", "no ccxt")
    feed, ready = PriceFeed("bybit", lambda: venue, timeout_seconds=0.1), asyncio.Event()
    feed.when_ready(ready.set)
    feed.start()
    await asyncio.wait_for(ready.wait(), 5)
    why = feed.unavailable_reason()
    assert why is not None and why.code == "engine_unavailable"
    feed.subscribe(SPOT, NOW)
    assert not feed.is_pending(SPOT)
    await feed.close()


async def test_waiting_for_a_silent_exchange_is_limited(
    feed: PriceFeed, venue: ScriptedVenue
) -> None:
    venue.hangs = True
    ready = asyncio.Event()
    feed.when_ready(ready.set)
    feed.start()
    assert not feed.is_ready()
    await asyncio.wait_for(ready.wait(), 5)
    assert feed.is_ready() and feed.client is None


async def test_accounts_of_one_venue_share_a_feed_that_the_last_closes(tmp_path: Path) -> None:
    made: list[PriceFeed] = []

    def make(
        venue: str, _client: Callable[[], PublicPriceClient], timeout_seconds: float
    ) -> PriceFeed:
        made.append(PriceFeed(venue, ScriptedVenue, timeout_seconds=timeout_seconds))
        return made[-1]

    feeds = PriceFeeds(MarketCache(), tmp_path, make)
    held = [
        feeds.hold(_account("bybit", '{"oms": {"paper": {"seed": 1}}}'), lambda: None),
        feeds.hold(_account("bybit", '{"oms": {"paper": {"seed": 2}}}'), lambda: None),
        feeds.hold(_account("binance", "{}"), lambda: None),
        feeds.hold(_account("bybit", '{"timeout": 300}'), lambda: None),
    ]
    assert len(made) == 3
    await until(lambda: made[0].client)
    client = made[0].client
    assert isinstance(client, ScriptedVenue)
    await held[0].close()
    assert not client.is_closed
    await held[1].close()
    await held[1].close()
    assert client.is_closed
    for each in held[2:]:
        await each.close()


async def test_the_client_calls_public_data_only(tmp_path: Path) -> None:
    client = PublicClient(build_price_spec("bybit", "live", {}, tmp_path), MarketCache())
    with pytest.raises(ValueError, match="public"):
        await client.call("create_order")
    with pytest.raises(ValueError, match="public"):
        await client.call("fetch_balance")


def test_prices_come_from_live_hosts_or_from_this_machine() -> None:
    assert price_environment({}) == "live"
    assert price_environment({"urls": {"test": {"public": "http://127.0.0.1:1"}}}) == "loopback"
    assert price_environment({"oms": {"resolve": {"*": "127.0.0.1:1"}}}) == "loopback"


def test_an_empty_or_crossed_book_is_no_price() -> None:
    one = Decimal(1)
    assert parse_quote(ticker("2", "1"), one, SPOT, NOW) is None
    assert parse_quote({"bid": None, "ask": "1"}, one, SPOT, NOW) is None
    assert parse_book({"bids": [["2", "1"]], "asks": [["1", "1"]]}, one, SPOT, NOW) is None
    assert parse_book({"bids": [["1", "0"]], "asks": [["2", "1"]]}, one, SPOT, NOW) is None
    assert parse_public_trade({"price": "1", "amount": "1"}, one, SPOT, 0, NOW) is None
    late = parse_public_trade(trade("1", "1", 2**42), one, SPOT, 0, NOW)
    assert late is not None and late.at == NOW, "no trade is in the future"


def _account(venue: str, extra_config: str) -> Account:
    return Account(
        id=1,
        exchange_id=f"paper.{venue}",
        label="paper",
        position_mode=PositionMode.NETTING,
        environment=Environment.PAPER,
        extra_config=extra_config,
    )


async def test_reads_that_fail_for_no_known_reason_start_again(venue: ScriptedVenue) -> None:
    feed = PriceFeed(
        "bybit", lambda: venue, timeout_seconds=0.1, interval_seconds=0.02, restart_seconds=0.02
    )
    prices = AccountPrices(feed, lambda: None)
    venue.answers["fetch_tickers"] = {SPOT: ticker("10.1", "10.2")}
    venue.refuses = ValueError("a reply of another kind")
    feed.start()
    await until(feed.unavailable_reason)
    venue.refuses = None
    prices.take_updates(SPOT, datetime.now(UTC), with_depth=False)
    await until(lambda: prices.newest(SPOT, datetime.now(UTC)))
    assert feed.unavailable_reason() is None
    await feed.close()


async def test_a_closed_feed_does_not_start_again(venue: ScriptedVenue) -> None:
    feed = PriceFeed("bybit", lambda: venue, timeout_seconds=10, restart_seconds=0)
    is_opening, opened = asyncio.Event(), 0

    async def fail_at_the_end() -> None:
        nonlocal opened
        opened += 1
        is_opening.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("the session does not close")

    venue.open = fail_at_the_end  # type: ignore[method-assign]
    feed.start()
    await is_opening.wait()
    await feed.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert opened == 1
