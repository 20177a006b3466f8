"""A client without a key that calls public data only, for prices and candles.

For paper accounts it calls the venue's live hosts only, for others the hosts of their environment,
under the host guard. An account with URLs of its own
(``urls``, ``oms.resolve``) is confined to this machine, as in the environment ``loopback``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from oms.adapters.ccxt.client.ccxt_factory import ClientSpec
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.venue_client import VenueClient
from oms.domain.instrument import Instrument

PUBLIC_METHODS = frozenset(
    (
        *("fetch_tickers", "fetch_bids_asks", "fetch_mark_prices"),
        *("fetch_order_book", "fetch_trades", "fetch_ohlcv"),
    )
)
"""All methods that it calls, besides the clock and the market table."""

TIMEOUT_MS = 5_000


class PublicClient:
    """Opened once, closed once."""

    def __init__(self, spec: ClientSpec, market_cache: MarketCache) -> None:
        assert not (spec.api_key or spec.secret or spec.passphrase), "prices need no key"
        self._client = VenueClient(spec, market_cache)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; empty before it is open."""
        return self._client.instruments

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far."""
        return self._client.hosts_called

    @property
    def last_call_at(self) -> datetime | None:
        """Time of the last call."""
        return self._client.last_call_at

    @property
    def clock_ahead_ms(self) -> int:
        """How far our clock is ahead of the venue's, in milliseconds."""
        return int(self._client.exchange.options.get("timeDifference") or 0)

    def has(self, method: str) -> bool:
        """Returns whether the venue itself has a method, by ccxt's name of it."""
        return self._client.exchange.has.get(method) is True

    def timeframes(self) -> Sequence[str]:
        """Returns the lengths of candles that the venue has, as ``1m``; empty if it has none."""
        exchange = self._client.exchange
        return [*(exchange.timeframes or ())] if self.has("fetchOHLCV") else []

    async def open(self) -> None:
        """Opens the client. Raises ``NotSent``, ``Rejected``, ``ReadFailed``."""
        await self._client.open()

    async def call(self, method: str, *args: Any) -> Any:
        """Reads public data. Raises ``ReadFailed``, and ``ValueError`` for any other method."""
        if method not in PUBLIC_METHODS:
            raise ValueError(f"{method} is no public data")
        return await self._client.read(method, *args)

    async def close(self) -> None:
        """Closes the client for good."""
        await self._client.close()


def build_price_spec(
    venue: str, environment: str, extra_config: Mapping[str, Any], cache: Path
) -> ClientSpec:
    """Returns the client specification of an account's prices."""
    return ClientSpec(
        account_id=0,
        venue=venue,
        engine="ccxt",
        environment=environment,
        extra_config={"timeout": TIMEOUT_MS, **extra_config},
        cache_folder=cache,
    )
