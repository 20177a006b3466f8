"""Creates the exchange of each account: a paper exchange, or a client of a real one.

The clients of a process share the market tables. ccxt is imported when the first client is opened,
in a thread: a worker with paper accounts only never imports it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from oms.domain.account import Account, Engine, Environment
from oms.domain.orders.external_order import is_external
from oms.domain.value import evolve
from oms.ports.exchange import ExchangePorts
from oms.ports.history_reads import HistoryReads
from oms.ports.ledger_store import LoadedAccount
from oms.ports.market.trading_calendar import TradingCalendar
from oms.ports.price_feed import PriceFeed
from oms.services.credentials.unseal import UnsealCredentials
from oms.wire.json import loads

if TYPE_CHECKING:
    from oms.adapters.ccxt.client.ccxt_factory import ClientSpec
    from oms.adapters.ccxt.client.market_cache import MarketCache
    from oms.adapters.ccxt.prices.price_feeds import PriceFeeds
    from oms.adapters.sql.store import SqlStore
    from oms.ports.vault import Vault

#: Exchanges whose clients are prepared at the start of a worker.
PREPARED_EXCHANGES_MAX = 20


def build_exchange_factory(
    *,
    store: "SqlStore",
    vault: "Vault",
    tag: str,
    tapes: Path,
    cache: Path,
    live_age: timedelta = timedelta(seconds=10),
    market_cache: "MarketCache | None" = None,
    calendar: TradingCalendar | None = None,
) -> Callable[[LoadedAccount, Callable[[], None]], ExchangePorts]:
    """Return a function that creates an account's exchange; its second argument is called on
    updates.

    ``tag`` identifies this installation to exchanges, ``tapes`` is the folder of recorded prices,
    ``cache`` the folder of market tables. Live prices older than ``live_age`` do not fill orders.
    ``calendar`` has the hours of stocks; without one their market counts as closed.
    """
    market_cache = market_cache or build_market_cache(store)
    real = partial(
        _real,
        store=store,
        unseal=UnsealCredentials(rows=store.sealed_credentials, vault=vault),
        market_cache=market_cache,
        tag=tag,
        cache=cache,
    )

    @lru_cache(maxsize=1)
    def feeds() -> "PriceFeeds":
        from oms.adapters.ccxt.prices.price_feeds import PriceFeeds

        return PriceFeeds(market_cache, cache)

    def hold(on_update: Callable[[], None]) -> Callable[[Account], PriceFeed]:
        return lambda account: feeds().hold(account, on_update)

    def connect(loaded: LoadedAccount, on_update: Callable[[], None]) -> ExchangePorts:
        match loaded.account.engine:
            case Engine.PAPER:
                return restore_paper_exchange(
                    loaded, tapes, store.history, hold(on_update), live_age, calendar
                )
            case Engine.CCXT | Engine.CCXTPRO:
                return real(loaded, on_update)
            case engine:
                assert_never(engine)

    return connect


def build_market_cache(store: "SqlStore") -> "MarketCache":
    """Return the market tables and request budgets that the clients of a process share."""
    from oms.adapters.ccxt.client.market_cache import MarketCache
    from oms.adapters.ccxt.ratelimit.rate_bucket import RateLimitBuckets
    from oms.adapters.ccxt.ratelimit.shared_bucket import SharedRateLimitBucket

    return MarketCache(
        RateLimitBuckets(make_shared=partial(SharedRateLimitBucket, store.rate_budget))
    )


def build_client_preparation(
    store: "SqlStore", market_cache: "MarketCache", cache: Path, *, live_allowed: bool
) -> Callable[[], Awaitable[None]]:
    """Return what loads the code and the market tables of the exchanges that accounts use.

    Without ``live_allowed`` accounts with real money are left out: no client opens for them.
    """
    left_out = () if live_allowed else (Environment.LIVE,)

    async def prepare() -> None:
        found = await store.registry.exchange_settings(PREPARED_EXCHANGES_MAX)
        if settings := [each for each in found if each.environment not in left_out]:
            from oms.adapters.ccxt.client.client_preparation import prepare_clients

            await prepare_clients(settings, market_cache, cache)

    return prepare


def build_mark_feeds(
    market_cache: "MarketCache", cache: Path, interval_seconds: float
) -> Callable[[Account], PriceFeed]:
    """Return what opens the feed of an account's exchange, read once in each interval."""

    @lru_cache(maxsize=1)
    def feeds() -> "PriceFeeds":
        from oms.adapters.ccxt.prices import price_feed, price_feeds

        return price_feeds.PriceFeeds(
            market_cache,
            cache,
            lambda venue, make_client, timeout_seconds: price_feed.PriceFeed(
                venue,
                make_client,
                timeout_seconds=timeout_seconds,
                interval_seconds=interval_seconds,
            ),
        )

    return lambda account: feeds().hold(account, lambda: None)


def restore_paper_exchange(
    loaded: LoadedAccount,
    tapes: Path,
    history: HistoryReads | None = None,
    hold: Callable[[Account], PriceFeed] | None = None,
    live_age: timedelta = timedelta(seconds=10),
    calendar: TradingCalendar | None = None,
) -> ExchangePorts:
    """Return the paper exchange of a stored account; ``hold`` subscribes to live prices."""
    from oms.adapters.paper.paper_exchange import PaperExchange

    account = loaded.account
    feed = hold(account) if hold is not None and account.paper.uses("live") else None
    exchange = PaperExchange.restore(
        account, loaded.exchange_state, tapes, history, feed, live_age, calendar
    )
    return ExchangePorts(trading=exchange, calls=exchange, paper=exchange)


def _real(
    loaded: LoadedAccount,
    on_update: Callable[[], None],
    *,
    store: "SqlStore",
    unseal: UnsealCredentials,
    market_cache: "MarketCache",
    tag: str,
    cache: Path,
) -> ExchangePorts:
    from oms.adapters.ccxt.client.decrypting_client import DecryptingClient
    from oms.adapters.ccxt.wiring import build_exchange

    account = loaded.account

    async def is_own_order(order_id: int) -> bool:
        return await store.ledger.order(account.id, order_id) is not None

    async def find_own_orders(symbol: str, names: Sequence[str]) -> Mapping[str, int]:
        orders = await store.ledger.orders_by_exchange_id(account.id, symbol, names)
        return {name: order.id for name, order in orders.items() if not is_external(order)}

    async def spec() -> "ClientSpec":
        loaded_spec = await load_client_spec(account, unseal, cache)
        return evolve(
            loaded_spec,
            is_key_shared=await store.sealed_credentials.is_key_shared(account.id),
            owner=await store.sealed_credentials.owner(account.id),
        )

    exchange = build_exchange(
        account=account,
        make_client=lambda: DecryptingClient(
            spec, market_cache, partial(store.sealed_credentials.set_owner, account.id)
        ),
        installation_tag=tag,
        on_update=on_update,
        open_orders=loaded.orders,
        attempts=loaded.exchange_state.attempts,
        known_symbols=loaded.known_symbols(),
        is_own_order=is_own_order,
        find_own_orders=find_own_orders,
    )
    return ExchangePorts(trading=exchange, calls=exchange)


async def load_client_spec(
    account: Account, unseal: UnsealCredentials, cache: Path
) -> "ClientSpec":
    """Return a client's arguments. Raises ``UnsealError``, ``NoMasterKey``, ``Unavailable``."""
    from oms.adapters.ccxt.client.ccxt_factory import ClientSpec

    secrets = await unseal(account.id)
    return ClientSpec(
        account_id=account.id,
        venue=account.venue,
        engine=account.engine.value,
        environment=account.environment.value,
        api_key=(secrets and secrets.api_key) or "",
        secret=(secrets and secrets.secret) or "",
        passphrase=(secrets and secrets.passphrase) or "",
        extra_config=loads(account.extra_config),
        cache_folder=cache,
    )
