"""Opens public market data of an exchange, without an account and without a key."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from oms.bootstrap.exchange_factory import build_market_cache
from oms.config import Settings
from oms.config_sections import CandleSourceSettings
from oms.domain.errors import Invalid, Unavailable
from oms.ports.clock import Clock
from oms.ports.market.candle_fetcher import CandleFetcher
from oms.services.candles.read_candles import ReadCandles

if TYPE_CHECKING:
    from oms.adapters.sql.store import SqlStore

_Opened = AbstractAsyncContextManager[CandleFetcher]
_REFUSED_CODES = ("engine_unavailable", "extra_config_refused", "host_mismatch")


@asynccontextmanager
async def open_candle_fetcher(
    store: "SqlStore",
    settings: Settings,
    exchange: str,
    source: CandleSourceSettings | None = None,
) -> AsyncIterator[CandleFetcher]:
    """Open the public data of an exchange, and close it at the end.

    ``source`` replaces that of the settings. Requests count against the budget that all workers
    share. Raises ``Invalid`` for an unknown exchange or refused settings, ``Unavailable``.
    """
    from oms.adapters.ccxt.client.request_errors import RequestError
    from oms.adapters.ccxt.prices.candle_fetcher import CcxtCandleFetcher
    from oms.adapters.ccxt.prices.public_client import PublicClient, build_price_spec

    source = source or settings.candles.sources.get(exchange, CandleSourceSettings())
    spec = build_price_spec(
        exchange, source.environment, source.extra_config, settings.market_cache_dir
    )
    client = PublicClient(spec, build_market_cache(store))
    try:
        await client.open()
    except RequestError as error:
        message = f"{exchange}: {error.message}"
        if error.code in _REFUSED_CODES:
            raise Invalid(message) from None
        raise Unavailable(message, code="exchange_unavailable") from None
    try:
        yield CcxtCandleFetcher(exchange, client)
    finally:
        await client.close()


class CandleFetcherPool:
    """``ports.market.ingestion.CandleFetchers`` over the settings of a process."""

    def __init__(self, open_fetcher: Callable[[str], _Opened]) -> None:
        self._open_fetcher = open_fetcher
        self._stack = AsyncExitStack()
        self._fetchers: dict[str, CandleFetcher] = {}

    async def open(self, exchange: str) -> CandleFetcher:
        """Return the fetcher of an exchange. Raises ``Invalid``, ``Unavailable``."""
        if exchange not in self._fetchers:
            opened = await self._stack.enter_async_context(self._open_fetcher(exchange))
            self._fetchers[exchange] = opened
        return self._fetchers[exchange]

    async def close(self) -> None:
        """Close all of them; a later ``open`` opens them again."""
        self._fetchers.clear()
        await self._stack.aclose()


def build_read_candles(store: "SqlStore", clock: Clock) -> ReadCandles:
    """Return what reads stored candles."""
    return ReadCandles(instruments=store.instruments, candles=store.candles, clock=clock)
