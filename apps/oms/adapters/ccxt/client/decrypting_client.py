"""A client whose credentials are decrypted when it opens, and stored nowhere else."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.ccxt.client.ccxt_factory import ClientSpec
from oms.adapters.ccxt.client.exchange_client import Row
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.request_errors import NotSent, Rejected, RequestError
from oms.adapters.ccxt.client.venue_client import VenueClient
from oms.domain.errors import Conflict, Unavailable
from oms.domain.instrument import Instrument


class DecryptingClient:
    """An ``ExchangeClient`` over a ``VenueClient`` built from what ``spec`` returns."""

    def __init__(
        self,
        spec: Callable[[], Awaitable[ClientSpec]],
        market_cache: MarketCache,
        own: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._spec = spec
        #: Stores which account of the venue the credentials belong to.
        self._own = own
        self._market_cache = market_cache
        self._client: VenueClient | None = None

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; empty before it is open."""
        return {} if self._client is None else self._client.instruments

    @property
    def exchange(self) -> Any:
        """The ccxt object."""
        return None if self._client is None else self._client.exchange

    @property
    def clock_error_ms(self) -> int:
        """Half of the duration of the last clock reading, in milliseconds."""
        return 0 if self._client is None else self._client.clock_error_ms

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far."""
        return () if self._client is None else self._client.hosts_called

    @property
    def last_call_at(self) -> datetime | None:
        """Time of the last call."""
        return None if self._client is None else self._client.last_call_at

    async def open(self) -> None:
        """Decrypts the credentials and opens the client.

        Raises ``NotSent``, ``ReadFailed``, and ``Rejected`` where the credentials cannot be
        decrypted.
        """
        try:
            spec = await self._spec()
        except Conflict as sealed:
            raise Rejected("auth_failed", sealed.message, reason=sealed.reason) from None
        except Unavailable as lost:
            raise NotSent("exchange_unavailable", lost.message) from None
        client = VenueClient(spec, self._market_cache)
        await client.open()
        try:
            if self._own is not None and client.owner not in (None, spec.owner):
                assert client.owner is not None
                await self._own(client.owner)
        except Unavailable as lost:
            await client.close()
            raise NotSent("exchange_unavailable", lost.message) from None
        self._client = client

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Sends once. Raises as ``VenueClient.write``."""
        return await self._opened().write(method, *args, **kwargs)

    async def place_orders(
        self, orders: Sequence[Mapping[str, Any]]
    ) -> Sequence[Row | RequestError]:
        """As ``ExchangeClient.place_orders``."""
        return await self._opened().place_orders(orders)

    def order_wait(self, symbol: str, orders: int) -> float:
        """As ``ExchangeClient.order_wait``."""
        return self._opened().order_wait(symbol, orders)

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Reads. Raises as ``VenueClient.read``."""
        return await self._opened().read(method, *args, **kwargs)

    async def watch(self, method: str, params: Mapping[str, Any]) -> Sequence[Row]:
        """Returns the next rows of a stream. Raises as ``VenueClient.watch``."""
        return await self._opened().watch(method, params)

    async def close_streams(self) -> None:
        """Closes all streams."""
        await self._opened().close_streams()

    async def close(self) -> None:
        """Closes the client for good."""
        if self._client is not None:
            await self._client.close()

    def _opened(self) -> VenueClient:
        assert self._client is not None, "used before it is open"
        return self._client
