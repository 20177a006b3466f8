"""Price feeds shared by accounts: one per venue, environment and settings, while one holds it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.extra_config import price_environment
from oms.adapters.ccxt.prices.price_feed import PriceFeed
from oms.adapters.ccxt.prices.public_client import PublicClient, build_price_spec
from oms.adapters.ccxt.prices.symbol_prices import PublicPriceClient
from oms.domain.account import Account, Engine
from oms.domain.errors import Refused
from oms.domain.quotes import Quote
from oms.ports.price_feed import PriceUpdate
from oms.wire.json import dumps, loads


class PriceFeeds:
    """The feeds of one process; ``market_cache`` is that of its other clients."""

    def __init__(
        self,
        market_cache: MarketCache,
        cache: Path,
        make_feed: Callable[[str, Callable[[], PublicPriceClient], float], PriceFeed] | None = None,
    ) -> None:
        self._market_cache = market_cache
        self._cache = cache
        self._make_feed = make_feed or _feed
        self._feeds: dict[str, PriceFeed] = {}
        self._holders: dict[str, int] = {}

    def hold(self, account: Account, on_ready: Callable[[], None]) -> "AccountPrices":
        """Returns the prices of an account's profile; the first holder starts the feed.

        ``on_ready`` is called when prices can be requested, or the venue is unreachable.
        """
        config = loads(account.extra_config)
        environment = _environment(account, config)
        name = _feed_key(account.venue, environment, config)
        feed = self._feeds.get(name)
        if feed is None:
            spec = build_price_spec(account.venue, environment, config, self._cache)
            timeout_seconds = float(spec.extra_config["timeout"]) / 1000
            feed = self._make_feed(
                account.venue, lambda: PublicClient(spec, self._market_cache), timeout_seconds
            )
            self._feeds[name] = feed
            feed.start()
        feed.when_ready(on_ready)
        self._holders[name] = self._holders.get(name, 0) + 1
        return AccountPrices(feed, lambda: self._release(name))

    def _release(self, name: str) -> PriceFeed | None:
        """Returns the feed if that was its last holder."""
        self._holders[name] -= 1
        if self._holders[name]:
            return None
        del self._holders[name]
        return self._feeds.pop(name)


class AccountPrices:
    """``ports.price_feed.PriceFeed`` of one account."""

    def __init__(self, feed: PriceFeed, release: Callable[[], PriceFeed | None]) -> None:
        self._feed = feed
        self._release: Callable[[], PriceFeed | None] | None = release
        #: By symbol, the sequence of the last update taken, and the prices that it counts.
        self._delivered: dict[str, tuple[object, int]] = {}

    def take_updates(
        self, symbol: str, now: datetime, *, with_depth: bool
    ) -> Sequence[PriceUpdate]:
        """Returns updates since the last call, oldest first; at first the newest price."""
        prices = self._feed.subscribe(symbol, now, with_depth=with_depth)
        source, sequence = self._delivered.get(symbol, (None, 0))
        self._delivered[symbol] = (prices, prices.sequence)
        if source is not prices:
            return () if prices.quote is None else (prices.quote,)
        return [update for count, update in prices.updates if count > sequence]

    def newest(self, symbol: str, now: datetime) -> Quote | None:
        """Returns the newest price; ``None`` where none is known yet."""
        return self._feed.subscribe(symbol, now).quote

    def is_pending(self, symbol: str) -> bool:
        """Whether the first price of a symbol is still to come."""
        return self._feed.is_pending(symbol)

    def is_ready(self) -> bool:
        """Whether prices can be requested, or the feed failed."""
        return self._feed.is_ready()

    def unavailable_reason(self) -> Refused | None:
        """Returns why no prices come; ``None`` when healthy."""
        return self._feed.unavailable_reason()

    def hosts_called(self) -> Sequence[str]:
        """The hosts that prices were read from."""
        return () if self._feed.client is None else self._feed.client.hosts_called

    def last_call_at(self) -> datetime | None:
        """Time of the last call."""
        return None if self._feed.client is None else self._feed.client.last_call_at

    async def close(self) -> None:
        """Release the feed, which is closed without holders."""
        release, self._release = self._release, None
        last = None if release is None else release()
        if last is not None:
            await last.close()


def _feed(
    venue: str, make_client: Callable[[], PublicPriceClient], timeout_seconds: float
) -> PriceFeed:
    return PriceFeed(venue, make_client, timeout_seconds=timeout_seconds)


def _environment(account: Account, config: Mapping[str, Any]) -> str:
    """Return where the prices of an account come from."""
    if account.engine is Engine.PAPER:
        return price_environment(config)
    return account.environment.value


def _feed_key(venue: str, environment: str, config: Mapping[str, Any]) -> str:
    """Accounts of one venue share a feed if their settings lead to the same place."""
    own_settings = config.get("oms") or {}
    more = {
        name: own_settings[name] for name in ("resolve", "allowed_hosts") if name in own_settings
    }
    return f"{venue} {environment} {dumps({**config, 'oms': more})}"
