"""``OmsAsyncHttpClient``: ``http_client`` as coroutines, over asyncio or a given transport."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.error import HTTPError

from ccxt_driver.async_connections import AsyncConnections
from ccxt_driver.connections import NotSent
from ccxt_driver.errors import raise_if_refused, unreached
from ccxt_driver.http_client import (
    DEFAULT_BASE_URL,
    DEFAULT_TIMEOUT_SECONDS,
    headers_of,
    read_answer,
    read_raised,
    target_of,
    unreached_by,
)
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
        self._connections = AsyncConnections(self.base_url, timeout_seconds)

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
        headers = headers_of(request, self._api_key)
        try:
            body = await self._transport(method, request.url(self.base_url), headers, payload)
        except HTTPError as answer:
            return read_raised(answer, request)
        except OSError as wrong:
            raise unreached_by(wrong, request) from wrong
        raise_if_refused(body, request)
        return body

    async def close(self) -> None:
        """Close the connections; the next request opens one."""
        await self._connections.close()

    async def _over_network(self, request: Request) -> Body:
        try:
            answer = await self._connections.exchange(
                request.method,
                target_of(request, self.base_url),
                headers_of(request, self._api_key),
                None if request.payload is None else json_bytes(request.payload),
                is_repeatable=request.is_read,
            )
        except NotSent as wrong:
            raise unreached(wrong.cause, request, is_sent=False) from wrong.cause
        except OSError as cause:
            raise unreached(cause, request, is_sent=True) from cause
        return read_answer(answer, request)
