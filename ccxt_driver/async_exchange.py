"""``OmsCcxtAsyncExchange``: ccxt's methods as coroutines, and ``watch_*``."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self

from ccxt_driver.async_http_client import OmsAsyncHttpClient
from ccxt_driver.config import read_config
from ccxt_driver.methods.unified import UnifiedMethods
from ccxt_driver.methods.unwatch import UnwatchMethods
from ccxt_driver.sansio.flow import Flow
from ccxt_driver.structures import CCXT
from ccxt_driver.transport.async_runner import AsyncHttpClient, run_flow


class OmsCcxtAsyncExchange(UnwatchMethods, UnifiedMethods):
    """An account of a gateway as an exchange of ``ccxt.async_support`` or ``ccxt.pro``.

    Constructed like ``OmsCcxtExchange``; the default dialect is ``ccxt``. Rounding requires
    ``await load_markets()`` first, as in ccxt.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        api_key: str | None = None,
        account_id: int | str | None = None,
        strategy_id: int | str | None = None,
        base_url: str | None = None,
        timeout_seconds: float | None = None,
        http_client: AsyncHttpClient | None = None,
        dialect: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        keywords = {
            "api_key": api_key,
            "account_id": account_id,
            "strategy_id": strategy_id,
            "base_url": base_url,
            "timeout_seconds": timeout_seconds,
            "dialect": dialect,
            "options": options,
        }
        read = read_config(config, keywords, dialect=CCXT)
        super().__init__(read)
        self.http: AsyncHttpClient = http_client or OmsAsyncHttpClient(
            base_url=read.base_url, api_key=read.api_key, timeout_seconds=read.timeout_seconds
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the stream and the connections; the next call opens what it needs."""
        await super().close()
        close = getattr(self.http, "close", None)
        if close is not None:
            await close()

    async def sleep(self, milliseconds: float) -> None:
        """Waits, as ccxt's method of that name."""
        await asyncio.sleep(milliseconds / 1000)

    async def throttle(self, cost: Any = None) -> None:
        """Does nothing: the gateway limits the request rate itself."""

    async def _run(self, flow: Flow[Any]) -> Any:
        return await run_flow(flow, self.http, self.timeout_seconds)

    async def _run_async(self, flow: Flow[Any]) -> Any:
        return await self._run(flow)
