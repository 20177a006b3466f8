"""``OmsCcxtProExchange``: synchronous methods on the gateway's rows, coroutines for the rest."""

import asyncio
import inspect
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, Self

from ccxt_driver.async_http_client import OmsAsyncHttpClient
from ccxt_driver.methods.awaitable_values import make_awaitable
from ccxt_driver.methods.sync import HttpClient, SyncMethods
from ccxt_driver.methods.unwatch import UnwatchMethods
from ccxt_driver.methods.watch import POLL_INTERVAL_SECONDS, WATCH_TIMEOUT_SECONDS
from ccxt_driver.naming import snake_case
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import Flow
from ccxt_driver.transport.async_runner import AsyncHttpClient, run_flow
from ccxt_driver.wire import Body


class OmsCcxtProExchange(UnwatchMethods, SyncMethods):
    """``OmsCcxtExchange`` that also streams.

    Methods that trade or read the gateway's own rows block; their results may also be awaited.
    ``watch_*``, ``close``, ``call_ccxt_async`` and methods about the exchange's markets are
    coroutines.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        poll_interval_seconds: float = POLL_INTERVAL_SECONDS,
        watch_timeout_seconds: float = WATCH_TIMEOUT_SECONDS,
        **keywords: Any,
    ) -> None:
        super().__init__(config, **keywords)
        self.poll_interval_seconds = poll_interval_seconds
        self.watch_timeout_seconds = watch_timeout_seconds
        self._own_http = self.http if keywords.get("http_client") is None else None
        self._async_http = OmsAsyncHttpClient(
            base_url=self.base_url, api_key=self.apiKey, timeout_seconds=self.timeout_seconds
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the stream and the connections; the next call opens what it needs."""
        await super().close()
        await self._async_http.close()
        self._close_http()

    async def call_ccxt_async(self, func: str, *args: Any, **kwargs: Any) -> Any:
        """``call_ccxt`` as a coroutine."""
        return await self._run_async(
            read_flows.call(self._context(), snake_case(func), args, kwargs)
        )

    def _run(self, flow: Flow[Any]) -> Any:
        return make_awaitable(super()._run(flow))

    def _run_market(self, flow: Flow[Any]) -> Coroutine[Any, Any, Any]:
        return self._run_async(flow)

    def _local_result(self, value: Any) -> Any:
        return make_awaitable(value)

    def _remote_method(self, name: str) -> Any:
        return partial(self._call_remote_async, name)

    async def _call_remote_async(self, func: str, *args: Any, **kwargs: Any) -> Any:
        return await self._run_async(self._remote_flow(func, args, kwargs))

    async def sleep(self, milliseconds: float) -> None:  # type: ignore[override]
        """Waits, as ccxt's method of that name."""
        await asyncio.sleep(milliseconds / 1000)

    async def throttle(self, cost: Any = None) -> None:  # type: ignore[override]
        """Does nothing: the gateway limits the request rate itself."""

    async def _run_async(self, flow: Flow[Any]) -> Any:
        return await run_flow(flow, self._async_client(), self.timeout_seconds)

    def _async_client(self) -> AsyncHttpClient:
        """Returns the asynchronous client: the own one, or an adapter of the given client."""
        client: Any = self.http
        if client is self._own_http:
            return self._async_http
        is_asynchronous = inspect.iscoroutinefunction(client.request)
        adapted: AsyncHttpClient = client if is_asynchronous else _ThreadedClient(client)
        return adapted


class _ThreadedClient:
    """Sends the requests of a blocking client in a thread, so that the event loop continues."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Any = None,
    ) -> Body:
        send = partial(self._client.request, method, path, query=query, payload=payload)
        return await asyncio.to_thread(send)
