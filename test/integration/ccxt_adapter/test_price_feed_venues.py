"""Price feeds over the real ccxt, at each dialect of the loopback exchange."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.polling import poll_until
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.prices.price_feed import PriceFeed
from oms.adapters.ccxt.prices.price_feeds import AccountPrices
from oms.adapters.ccxt.prices.public_client import PublicClient, build_price_spec
from oms.domain.quotes import PublicTrade, Quote
from oms.ports.price_feed import MarkPrice

SPOT, LINEAR = "BTC/USDT", "BTC/USDT:USDT"


@pytest.mark.parametrize("dialect", ["bybit", "binance"])
async def test_quotes_books_trades_and_marks(
    venue: LoopbackExchange, tables: Path, dialect: str
) -> None:
    for symbol, price in ((SPOT, "59000"), (LINEAR, "60000")):
        venue.control("price", symbol=symbol, price=price, bid_qty="2", ask_qty="3")
    venue.control("mark", symbol=LINEAR, price="60001")
    extra = venue.startup["extra_config"][dialect]
    spec = build_price_spec(dialect, "loopback", extra, tables)
    feed = PriceFeed(
        dialect, lambda: PublicClient(spec, MarketCache()), timeout_seconds=5, interval_seconds=0.1
    )
    prices, updates = AccountPrices(feed, lambda: None), list[Any]()
    feed.start()

    async def update_kinds() -> set[tuple[str, type]]:
        now = datetime.now(UTC)
        updates.extend(prices.take_updates(SPOT, now, with_depth=False))
        updates.extend(prices.take_updates(LINEAR, now, with_depth=True))
        if (LINEAR, Quote) in {(each.symbol, type(each)) for each in updates}:
            venue.control("print", symbol=LINEAR, price="60000", qty="0.5", side="buy")
        return {(each.symbol, type(each)) for each in updates}

    expected = {(SPOT, Quote), (LINEAR, Quote), (LINEAR, PublicTrade), (LINEAR, MarkPrice)}
    await poll_until(update_kinds, lambda kinds: kinds >= expected)
    await feed.close()
    quotes = {each.symbol: each for each in updates if isinstance(each, Quote)}
    spot, linear = quotes[SPOT], quotes[LINEAR]
    assert (spot.bid, spot.bid_qty, spot.ask_qty, spot.bids) == (59000, 2, 3, ())
    assert linear.bids == ((Decimal(60000), 2),)
    (trade, *_) = [each for each in updates if isinstance(each, PublicTrade)]
    assert (trade.price, trade.qty, trade.side) == (60000, Decimal("0.5"), "buy")
    assert {each.price for each in updates if isinstance(each, MarkPrice)} == {60001}
    assert all("private" not in path and "order/" not in path for path in venue.paths())
