"""``OmsAsyncHttpClient``: ``OmsHttpClient`` as coroutines, over asyncio or a given transport."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ccxt_driver.http_client import DEFAULT_BASE_URL, DEFAULT_TIMEOUT_SECONDS
from ccxt_driver.sansio.gateway_call import GatewayCall
from ccxt_driver.sansio.idle_pool import RequestNotSent
from ccxt_driver.transport.async_connection_pool import AsyncConnectionPool
from ccxt_driver.wire import Body, Request

AsyncTransport = Callable[[str, str, dict[str, str], Any], Awaitable[Body]]
"""``await transport(method, url, headers, payload) -> dict``, used instead of the network."""


class OmsAsyncHttpClient:
    """A client of one gateway with one API key."""

    def __init__(
        self,
        *,
        base_url: str = DEFAULT_BASE_URL,
        api_key: str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        transport: AsyncTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout_seconds = timeout_seconds
        self._api_key = api_key
        self._transport = transport
        self._pool = AsyncConnectionPool(self.base_url, timeout_seconds)

    def __repr__(self) -> str:
        return f"OmsAsyncHttpClient(base_url={self.base_url!r})"

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Any = None,
    ) -> Body:
        """Returns the body of a 2xx response; ``path`` begins with ``/``.

        Raises the ``ccxt_driver.errors`` exception for any other response, or none.
        """
        request = Request(method=method, path=path, query=query or {}, payload=payload)
        call = GatewayCall(request=request, base_url=self.base_url, api_key=self._api_key)
        if self._transport is None:
            try:
                response = await self._pool.exchange(call.http_request())
            except (RequestNotSent, OSError) as error:
                call.raise_connection_error(error)
            return call.parse_response(response)
        try:
            body = await self._transport(method, call.url, call.headers(), payload)
        except OSError as error:
            return call.parse_transport_error(error)
        return call.check_body(body)

    async def close(self) -> None:
        """Closes the connections; the next request opens a new one."""
        await self._pool.close()
