"""A client without a key that can call public data only: where live prices of paper come from.

It stays within the venue's live hosts under their guard. An account that names URLs of its own
(``urls``, ``oms.resolve``) is led to this machine alone, as one of the environment ``loopback`` is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from oms.adapters.ccxt.client.ccxt_factory import ClientSpec
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.venue_client import VenueClient
from oms.adapters.ccxt.extra_config import price_environment
from oms.domain.instrument import Instrument

PUBLIC_METHODS = frozenset(
    (
        *("fetch_tickers", "fetch_bids_asks", "fetch_mark_prices"),
        *("fetch_order_book", "fetch_trades"),
    )
)
"""All that it calls, beside the clock and the table of markets when it is opened."""

TIMEOUT_MS = 5_000


class PublicClient:
    """Opened once, closed once."""

    def __init__(self, spec: ClientSpec, market_cache: MarketCache) -> None:
        assert not (spec.api_key or spec.secret or spec.passphrase), "prices need no key"
        self._client = VenueClient(spec, market_cache)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; none before it is open."""
        return self._client.instruments

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far."""
        return self._client.hosts_called

    @property
    def last_call_at(self) -> datetime | None:
        """When one was called last."""
        return self._client.last_call_at

    @property
    def clock_ahead_ms(self) -> int:
        """How far our clock is ahead of the venue's."""
        return int(self._client.exchange.options.get("timeDifference") or 0)

    def has(self, method: str) -> bool:
        """Whether the venue itself answers a method, by ccxt's name of it."""
        return self._client.exchange.has.get(method) is True

    async def open(self) -> None:
        """Raises ``NotSent``, ``Rejected``, ``ReadFailed``."""
        await self._client.open()

    async def call(self, method: str, *args: Any) -> Any:
        """Public data. Raises ``ReadFailed``, and ``ValueError`` for anything else."""
        if method not in PUBLIC_METHODS:
            raise ValueError(f"{method} is no public data")
        return await self._client.read(method, *args)

    async def close(self) -> None:
        """End it for good."""
        await self._client.close()


def build_price_spec(venue: str, extra_config: Mapping[str, Any], cache: Path) -> ClientSpec:
    """What the client of a paper account's prices is made of."""
    return ClientSpec(
        account_id=0,
        venue=venue,
        engine="ccxt",
        environment=price_environment(extra_config),
        extra_config={"timeout": TIMEOUT_MS, **extra_config},
        cache_folder=cache,
    )
