"""A paper account at live prices that a script tells."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kit.exchanges.paper_harness import LINEAR, PaperHarness, a_paper_account
from oms.adapters.paper.market_data.price_sources import describe_price_sources
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.errors import Refused
from oms.domain.side import Side
from oms.ports.exchange import ExchangeStateRows, PublicTrade, Quote
from oms.ports.price_feed import MarkPrice, PriceUpdate
from oms.wire.account_config.paper_settings import LIVE_LATENCY, read_paper_settings

MAX_AGE = timedelta(seconds=10)


class ScriptedPrices:
    """What a test tells is what the feed tells next."""

    def __init__(self) -> None:
        self.waiting: list[PriceUpdate] = []
        self.last: Quote | None = None
        self.coming = False
        self.why: Refused | None = None
        self.asked: dict[str, bool] = {}
        self.is_closed = False

    def take_updates(
        self, symbol: str, now: datetime, *, with_depth: bool
    ) -> Sequence[PriceUpdate]:
        self.asked[symbol] = with_depth
        told = [each for each in self.waiting if each.symbol == symbol]
        self.waiting = [each for each in self.waiting if each.symbol != symbol]
        return told

    def newest(self, symbol: str, now: datetime) -> Quote | None:
        return self.last

    def is_pending(self, symbol: str) -> bool:
        return self.coming

    def is_ready(self) -> bool:
        return True

    def unavailable_reason(self) -> Refused | None:
        return self.why

    def hosts_called(self) -> Sequence[str]:
        return ("prices.example",)

    def last_call_at(self) -> datetime | None:
        return None

    async def close(self) -> None:
        self.is_closed = True


class LivePort(PaperHarness):
    """The trader of ``PaperPort`` with a scripted feed in place of manual prices."""

    def __init__(self, **paper: Any) -> None:
        super().__init__(source="live", **paper)
        self.feed = ScriptedPrices()
        self.begin()

    def begin(self) -> None:
        self.paper = PaperExchange.restore(
            self.account, self._rows, feed=self.feed, live_age=MAX_AGE
        )

    def tell(self, bid: str, ask: str | None = None, *, late: float = 0, qty: str = "5") -> None:
        """A quote that was asked for ``late`` seconds ago."""
        told = Quote(
            symbol=LINEAR,
            bid=Decimal(bid),
            ask=Decimal(ask or bid),
            bid_qty=Decimal(qty),
            ask_qty=Decimal(qty),
            at=self.now - timedelta(seconds=late),
        )
        self.feed.waiting.append(told)
        self.feed.last = told

    def tell_trade(self, price: str, *, late: float = 0) -> None:
        at = self.now - timedelta(seconds=late)
        traded = PublicTrade(
            symbol=LINEAR, price=Decimal(price), qty=Decimal(9), side=Side.SELL, at=at
        )
        self.feed.waiting.append(traded)


async def test_a_stale_feed_fills_and_triggers_nothing_until_it_is_fresh() -> None:
    port = LivePort()
    port.tell("100")
    assert await port.buy("1", order_type="limit", price="90") == ["1 accepted"]
    stop = {"order_type": "stop_market", "trigger_price": "95"}
    assert await port.sell("1", **stop) == ["2 accepted"]
    assert await port.advance_time(seconds=11) == []
    (take_stale_prices,) = port.paper.take_stale_prices()
    assert (take_stale_prices.symbol, take_stale_prices.age_ms) == (LINEAR, 11_000)
    port.tell("80", late=10.5)  # an answer that took too long
    port.tell_trade("80")
    assert await port.advance_time(seconds=1) == []
    assert not port.paper.take_stale_prices(), "told once"
    assert await port.buy("1") == ["3 rejected"]
    assert port.orders[3].reject_code == "no_price"
    port.tell("85", "86")
    told = await port.advance_time(seconds=1)
    assert sorted(told) == ["1 execution", "2 execution", "2 triggered"]
    assert await port.advance_time(seconds=11) == []
    assert not port.paper.take_stale_prices(), "nobody waits for a price any more"


async def test_a_stop_is_released_at_the_fresh_price_and_not_at_the_old_one() -> None:
    port = LivePort()
    port.tell("100")
    await port.buy("1")
    await port.sell("1", order_type="stop_market", trigger_price="95")
    await port.advance_time(seconds=11)
    port.tell("70")
    await port.advance_time(seconds=1)
    assert port.orders[2].avg_fill_price == 70


async def test_trades_of_others_fill_what_rested_before_them() -> None:
    port = LivePort(fill="touch")
    port.tell("100", "101")
    await port.advance_time(seconds=1)
    port.now += timedelta(seconds=1)
    assert await port.buy("1", order_type="limit", price="95") == ["1 accepted"]
    port.tell_trade("95", late=0.5)
    assert await port.advance_time(seconds=1) == [], "it was dealt before the order came"
    port.tell_trade("95")
    assert await port.advance_time(seconds=0) == ["1 execution"]
    assert port.feed.asked[LINEAR]


async def test_a_first_order_waits_for_the_first_price() -> None:
    port = LivePort()
    port.feed.coming = True
    assert await port.buy("1") == []
    assert await port.advance_time(seconds=1) == []
    port.tell("100")
    assert await port.advance_time(seconds=0.5) == []
    assert await port.advance_time(seconds=0.5) == ["1 accepted", "1 execution"]
    assert port.orders[1].avg_fill_price == 100
    port.feed.coming = False
    assert await port.buy("1") == ["2 accepted", "2 execution"]


async def test_without_prices_it_says_so_and_all_else_works() -> None:
    port = LivePort()
    port.feed.why = Refused(code="engine_unavailable", message="no ccxt")
    assert await port.buy("1") == ["1 rejected"]
    assert await port.buy("1", order_type="limit", price="90") == ["2 accepted"]
    assert await port.cancel(2) == ["2 canceled"]
    port.exchange.deposit("USDT", Decimal(5), port.now)
    assert port.exchange.unavailable_reason() is None
    told = port.exchange.connection()
    assert (told.prices, told.prices_unavailable) == ("paper, live binance", port.feed.why)
    assert told.hosts_called == ("prices.example",)
    await port.exchange.close()
    assert port.feed.is_closed


async def test_what_was_told_is_stored_and_a_restart_goes_on_with_it() -> None:
    port = LivePort()
    port.tell("100")
    await port.buy("1", order_type="limit", price="90")
    before = port.paper.state_hash()
    port.store()
    port.begin()
    assert port.paper.state_hash() == before
    assert await port.buy("1") == ["2 accepted", "2 execution"]
    await port.advance_time(seconds=11)
    port.begin()
    assert await port.buy("1") == ["3 rejected"], "an old price is old after a restart too"


async def test_a_mark_makes_no_old_book_young() -> None:
    port = LivePort()
    port.tell("100")
    await port.buy("1")
    for _ in range(11):
        port.feed.waiting.append(MarkPrice(symbol=LINEAR, price=Decimal(101), at=port.now))
        await port.advance_time(seconds=1)
    assert [each.symbol for each in port.paper.take_stale_prices()] == [LINEAR]
    assert await port.sell("1") == ["2 rejected"]


def test_other_sources_of_the_same_account_do_not_age() -> None:
    account = a_paper_account(source="manual", sources={LINEAR: "live", "SOL/USDT": "walk"})
    settings = PaperExchange.restore(
        account, ExchangeStateRows(), live_age=MAX_AGE
    )._engine.settings
    assert settings.price_age_of(LINEAR) == MAX_AGE
    assert settings.price_age_of("BTC/USDT") is None
    words = "paper, manual; ETH/USDT:USDT live binance; SOL/USDT walk"
    assert describe_price_sources(account) == words


def test_live_orders_are_on_their_way_as_long_as_real_ones() -> None:
    assert read_paper_settings('{"oms": {"paper": {"source": "live"}}}').latency == LIVE_LATENCY
    told = '{"oms": {"paper": {"sources": {"BTC/USDT": "live"}, "latency_ms": 0}}}'
    assert read_paper_settings(told).latency is None
    assert read_paper_settings("{}").latency is None
