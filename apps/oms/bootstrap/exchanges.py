"""The exchange of each account: the paper one, or a client of a real one with opened credentials.

Clients of one process share the tables of markets. ccxt is imported by the first client that is
opened, in a thread: a worker of paper accounts alone never pays for it.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from oms.domain.account import Account, Engine
from oms.domain.value import evolve
from oms.ports.exchange import Exchange
from oms.ports.history import History
from oms.ports.ledger import AccountImage
from oms.ports.live_prices import LivePrices
from oms.services.unseal import Unseal
from oms.wire.json import loads

if TYPE_CHECKING:
    from oms.adapters.ccxt.construct import ClientSpec
    from oms.adapters.ccxt.live_prices import LiveFeeds
    from oms.adapters.ccxt.markets import MarketShelf
    from oms.adapters.sql.store import SqlStore
    from oms.ports.vault import Vault


def exchanges(
    *,
    store: "SqlStore",
    vault: "Vault",
    tag: str,
    tapes: Path,
    cache: Path,
    live_age: timedelta = timedelta(seconds=10),
) -> Callable[[AccountImage, Callable[[], None]], Exchange]:
    """What makes an account's exchange; the second argument is called when it has news.

    ``tag`` names this installation to exchanges, ``tapes`` is the folder of recorded prices,
    ``cache`` the one of the tables of markets. Live prices older than ``live_age`` fill nothing.
    """
    from oms.adapters.ccxt.markets import MarketShelf
    from oms.adapters.ccxt.pacing import Scopes
    from oms.adapters.ccxt.shared_pacing import SharedScope

    shelf = MarketShelf(Scopes(make_shared=partial(SharedScope, store.rate_chunks)))
    real = partial(
        _real,
        store=store,
        unseal=Unseal(rows=store.sealed, vault=vault),
        shelf=shelf,
        tag=tag,
        cache=cache,
    )

    @lru_cache(maxsize=1)
    def feeds() -> "LiveFeeds":
        from oms.adapters.ccxt.live_prices import LiveFeeds

        return LiveFeeds(shelf, cache)

    def hold(on_news: Callable[[], None]) -> Callable[[Account], LivePrices]:
        return lambda account: feeds().hold(account, on_news)

    def connect(image: AccountImage, on_news: Callable[[], None]) -> Exchange:
        match image.account.engine:
            case Engine.PAPER:
                return paper(image, tapes, store.history, hold(on_news), live_age)
            case Engine.CCXT | Engine.CCXTPRO:
                return real(image, on_news)
            case engine:
                assert_never(engine)

    return connect


def paper(
    image: AccountImage,
    tapes: Path,
    history: History | None = None,
    hold: Callable[[Account], LivePrices] | None = None,
    live_age: timedelta = timedelta(seconds=10),
) -> Exchange:
    """The paper exchange of an account as it was stored; ``hold`` brings live prices."""
    from oms.adapters.paper.exchange import PaperExchange

    account = image.account
    feed = hold(account) if hold is not None and account.paper.uses("live") else None
    return PaperExchange.restore(account, image.memory, tapes, history, feed, live_age)


def _real(
    image: AccountImage,
    on_news: Callable[[], None],
    *,
    store: "SqlStore",
    unseal: Unseal,
    shelf: "MarketShelf",
    tag: str,
    cache: Path,
) -> Exchange:
    from oms.adapters.ccxt.exchange import CcxtExchange
    from oms.adapters.ccxt.sealed_client import SealedClient

    account = image.account

    async def belongs(order_id: int) -> bool:
        return await store.ledger.order(account.id, order_id) is not None

    async def spec() -> "ClientSpec":
        told = await client_spec(account, unseal, cache)
        return evolve(
            told,
            is_key_shared=await store.sealed.is_key_shared(account.id),
            owner=await store.sealed.owner(account.id),
        )

    return CcxtExchange(
        account=account,
        make_client=lambda: SealedClient(spec, shelf, partial(store.sealed.own, account.id)),
        tag=tag,
        on_news=on_news,
        open_orders=image.orders,
        attempts=image.memory.attempts,
        belongs=belongs,
    )


async def client_spec(account: Account, unseal: Unseal, cache: Path) -> "ClientSpec":
    """What a client is made of. Raises ``Unsealable``, ``NoMasterKey``, ``Unavailable``."""
    from oms.adapters.ccxt.construct import ClientSpec

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
