"""A paper account with live prices from a scripted feed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kit.exchanges.paper_harness import LINEAR, PaperHarness, a_paper_account
from oms.adapters.paper.market_data.price_sources import describe_price_sources
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.errors import Refused
from oms.domain.quotes import PublicTrade, Quote
from oms.domain.side import Side
from oms.ports.exchange import ExchangeStateRows
from oms.ports.price_feed import MarkPrice, PriceUpdate
from oms.wire.account_config.paper_settings import LIVE_LATENCY, read_paper_settings

MAX_AGE = timedelta(seconds=10)


class ScriptedPrices:
    """A price feed that returns the quotes and trades sent by the test."""

    def __init__(self) -> None:
        self.pending: list[PriceUpdate] = []
        self.last: Quote | None = None
        self.coming = False
        self.why: Refused | None = None
        self.asked: dict[str, bool] = {}
        self.is_closed = False

    def take_updates(
        self, symbol: str, now: datetime, *, with_depth: bool
    ) -> Sequence[PriceUpdate]:
        self.asked[symbol] = with_depth
        updates = [each for each in self.pending if each.symbol == symbol]
        self.pending = [each for each in self.pending if each.symbol != symbol]
        return updates

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
    """``PaperHarness`` with a scripted feed instead of manual prices."""

    def __init__(self, **paper: Any) -> None:
        super().__init__(source="live", **paper)
        self.feed = ScriptedPrices()
        self.begin()

    def begin(self) -> None:
        self.paper = PaperExchange.restore(
            self.account, self._rows, feed=self.feed, live_age=MAX_AGE
        )

    def send_quote(
        self, bid: str, ask: str | None = None, *, age_seconds: float = 0, qty: str = "5"
    ) -> None:
        """Sends a quote that is ``age_seconds`` old."""
        updates = Quote(
            symbol=LINEAR,
            bid=Decimal(bid),
            ask=Decimal(ask or bid),
            bid_qty=Decimal(qty),
            ask_qty=Decimal(qty),
            at=self.now - timedelta(seconds=age_seconds),
        )
        self.feed.pending.append(updates)
        self.feed.last = updates

    def send_trade(self, price: str, *, age_seconds: float = 0) -> None:
        at = self.now - timedelta(seconds=age_seconds)
        traded = PublicTrade(
            symbol=LINEAR, price=Decimal(price), qty=Decimal(9), side=Side.SELL, at=at
        )
        self.feed.pending.append(traded)


async def test_a_stale_feed_fills_and_triggers_nothing_until_it_is_fresh() -> None:
    port = LivePort()
    port.send_quote("100")
    assert await port.buy("1", order_type="limit", price="90") == ["1 accepted"]
    stop = {"order_type": "stop_market", "trigger_price": "95"}
    assert await port.sell("1", **stop) == ["2 accepted"]
    assert await port.advance_time(seconds=11) == []
    (take_stale_prices,) = port.paper.take_stale_prices()
    assert (take_stale_prices.symbol, take_stale_prices.age_ms) == (LINEAR, 11_000)
    port.send_quote("80", age_seconds=10.5)  # a delayed quote
    port.send_trade("80")
    assert await port.advance_time(seconds=1) == []
    assert not port.paper.take_stale_prices(), "each symbol is returned once"
    assert await port.buy("1") == ["3 rejected"]
    assert port.orders[3].reject_code == "no_price"
    port.send_quote("85", "86")
    updates = await port.advance_time(seconds=1)
    assert sorted(updates) == ["1 execution", "2 execution", "2 triggered"]
    assert await port.advance_time(seconds=11) == []
    assert not port.paper.take_stale_prices(), "no order needs the price any more"


async def test_a_stop_triggers_at_the_fresh_price_only() -> None:
    port = LivePort()
    port.send_quote("100")
    await port.buy("1")
    await port.sell("1", order_type="stop_market", trigger_price="95")
    await port.advance_time(seconds=11)
    port.send_quote("70")
    await port.advance_time(seconds=1)
    assert port.orders[2].avg_fill_price == 70


async def test_public_trades_fill_only_orders_that_rested_before() -> None:
    port = LivePort(fill="touch")
    port.send_quote("100", "101")
    await port.advance_time(seconds=1)
    port.now += timedelta(seconds=1)
    assert await port.buy("1", order_type="limit", price="95") == ["1 accepted"]
    port.send_trade("95", age_seconds=0.5)
    assert await port.advance_time(seconds=1) == [], "it happened before the order arrived"
    port.send_trade("95")
    assert await port.advance_time(seconds=0) == ["1 execution"]
    assert port.feed.asked[LINEAR]


async def test_a_first_order_waits_for_the_first_price() -> None:
    port = LivePort()
    port.feed.coming = True
    assert await port.buy("1") == []
    assert await port.advance_time(seconds=1) == []
    port.send_quote("100")
    assert await port.advance_time(seconds=0.5) == []
    assert await port.advance_time(seconds=0.5) == ["1 accepted", "1 execution"]
    assert port.orders[1].avg_fill_price == 100
    port.feed.coming = False
    assert await port.buy("1") == ["2 accepted", "2 execution"]


async def test_without_prices_everything_else_works() -> None:
    port = LivePort()
    port.feed.why = Refused(code="engine_unavailable", message="no ccxt")
    assert await port.buy("1") == ["1 rejected"]
    assert await port.buy("1", order_type="limit", price="90") == ["2 accepted"]
    assert await port.cancel(2) == ["2 canceled"]
    port.exchange.deposit("USDT", Decimal(5), port.now)
    assert port.exchange.unavailable_reason() is None
    updates = port.exchange.connection()
    assert (updates.prices, updates.prices_unavailable) == ("paper, live binance", port.feed.why)
    assert updates.hosts_called == ("prices.example",)
    await port.exchange.close()
    assert port.feed.is_closed


async def test_live_prices_are_stored_and_restored() -> None:
    port = LivePort()
    port.send_quote("100")
    await port.buy("1", order_type="limit", price="90")
    before = port.paper.state_hash()
    port.store()
    port.begin()
    assert port.paper.state_hash() == before
    assert await port.buy("1") == ["2 accepted", "2 execution"]
    await port.advance_time(seconds=11)
    port.begin()
    assert await port.buy("1") == ["3 rejected"], "an old price is old after a restart too"


async def test_a_mark_price_does_not_refresh_a_stale_book() -> None:
    port = LivePort()
    port.send_quote("100")
    await port.buy("1")
    for _ in range(11):
        port.feed.pending.append(MarkPrice(symbol=LINEAR, price=Decimal(101), at=port.now))
        await port.advance_time(seconds=1)
    assert [each.symbol for each in port.paper.take_stale_prices()] == [LINEAR]
    assert await port.sell("1") == ["2 rejected"]


def test_only_live_prices_become_stale() -> None:
    account = a_paper_account(source="manual", sources={LINEAR: "live", "SOL/USDT": "walk"})
    settings = PaperExchange.restore(
        account, ExchangeStateRows(), live_age=MAX_AGE
    )._engine.settings
    assert settings.price_age_of(LINEAR) == MAX_AGE
    assert settings.price_age_of("BTC/USDT") is None
    words = "paper, manual; ETH/USDT:USDT live binance; SOL/USDT walk"
    assert describe_price_sources(account) == words


def test_live_accounts_have_latency_by_default() -> None:
    assert read_paper_settings('{"oms": {"paper": {"source": "live"}}}').latency == LIVE_LATENCY
    updates = '{"oms": {"paper": {"sources": {"BTC/USDT": "live"}, "latency_ms": 0}}}'
    assert read_paper_settings(updates).latency is None
    assert read_paper_settings("{}").latency is None
