"""``OmsAsyncHttpClient``: ``http_client`` as coroutines, over asyncio or a given transport."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.error import HTTPError

from ccxt_driver.errors import no_response_error, raise_for_error
from ccxt_driver.http_client import (
    DEFAULT_BASE_URL,
    DEFAULT_TIMEOUT_SECONDS,
    build_headers,
    parse_response,
    parse_urllib_error,
    request_target,
    transport_error,
)
from ccxt_driver.transport.async_connection_pool import AsyncConnectionPool
from ccxt_driver.transport.connection_pool import RequestNotSent
from ccxt_driver.wire import Body, Request, json_bytes

AsyncTransport = Callable[[str, str, dict[str, str], Any], Awaitable[Body]]
"""``await transport(method, url, headers, payload) -> dict``, in place of the network."""


class OmsAsyncHttpClient:
    """A gateway's address and a key for it."""

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
        self._connections = AsyncConnectionPool(self.base_url, timeout_seconds)

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
        """The body of a 2xx answer; ``path`` begins with ``/``.

        Raises what ``ccxt_driver.errors`` makes of everything else.
        """
        request = Request(method=method, path=path, query=query or {}, payload=payload)
        if self._transport is None:
            return await self._over_network(request)
        headers = build_headers(request, self._api_key)
        try:
            body = await self._transport(method, request.url(self.base_url), headers, payload)
        except HTTPError as answer:
            return parse_urllib_error(answer, request)
        except OSError as wrong:
            raise transport_error(wrong, request) from wrong
        raise_for_error(body, request)
        return body

    async def close(self) -> None:
        """Close the connections; the next request opens one."""
        await self._connections.close()

    async def _over_network(self, request: Request) -> Body:
        try:
            answer = await self._connections.exchange(
                request.method,
                request_target(request, self.base_url),
                build_headers(request, self._api_key),
                None if request.payload is None else json_bytes(request.payload),
                is_repeatable=request.is_read,
            )
        except RequestNotSent as wrong:
            raise no_response_error(wrong.cause, request, is_sent=False) from wrong.cause
        except OSError as cause:
            raise no_response_error(cause, request, is_sent=True) from cause
        return parse_response(answer, request)
