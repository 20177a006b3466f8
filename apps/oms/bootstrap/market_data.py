"""Opens public market data of an exchange, without an account and without a key."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from oms.bootstrap.exchange_factory import build_market_cache
from oms.config import Settings
from oms.domain.errors import Invalid, Unavailable
from oms.ports.clock import Clock
from oms.ports.market.candle_fetcher import CandleFetcher
from oms.services.candles.read_candles import ReadCandles

if TYPE_CHECKING:
    from oms.adapters.sql.store import SqlStore

_REFUSED_CODES = ("engine_unavailable", "extra_config_refused", "host_mismatch")


@asynccontextmanager
async def open_candle_fetcher(
    store: "SqlStore",
    settings: Settings,
    exchange: str,
    environment: str,
    extra_config: Mapping[str, Any],
) -> AsyncIterator[CandleFetcher]:
    """Open the public data of an exchange, and close it at the end.

    ``extra_config`` as that of an account. Requests count against the budget that all workers
    share. Raises ``Invalid`` for an unknown exchange or refused settings, ``Unavailable``.
    """
    from oms.adapters.ccxt.client.request_errors import RequestError
    from oms.adapters.ccxt.prices.candle_fetcher import CcxtCandleFetcher
    from oms.adapters.ccxt.prices.public_client import PublicClient, build_price_spec

    spec = build_price_spec(exchange, environment, extra_config, settings.market_cache_dir)
    client = PublicClient(spec, build_market_cache(store))
    try:
        await client.open()
    except RequestError as error:
        kind = Invalid if error.code in _REFUSED_CODES else Unavailable
        raise kind(f"{exchange}: {error.message}") from None
    try:
        yield CcxtCandleFetcher(exchange, client)
    finally:
        await client.close()


def build_read_candles(store: "SqlStore", clock: Clock) -> ReadCandles:
    """Return what reads stored candles."""
    return ReadCandles(instruments=store.instruments, candles=store.candles, clock=clock)
