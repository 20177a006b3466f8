"""``OmsHttpClient``: requests to the gateway over the standard library or a given transport.

It opens no connection before the first request. A request that is not a read is sent once.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ccxt_driver.sansio.gateway_call import GatewayCall
from ccxt_driver.sansio.idle_pool import RequestNotSent
from ccxt_driver.transport.connection_pool import ConnectionPool
from ccxt_driver.wire import Body, Request

Transport = Callable[[str, str, dict[str, str], Any], Body]
"""``transport(method, url, headers, payload) -> dict``, used instead of the network."""

DEFAULT_BASE_URL = "http://127.0.0.1:8000"
DEFAULT_TIMEOUT_SECONDS = 30.0


class OmsHttpClient:
    """A client of one gateway with one API key."""

    def __init__(
        self,
        *,
        base_url: str = DEFAULT_BASE_URL,
        api_key: str,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        transport: Transport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout_seconds = timeout_seconds
        self._api_key = api_key
        self._transport = transport
        self._pool = ConnectionPool(self.base_url, timeout_seconds)

    def __repr__(self) -> str:
        return f"OmsHttpClient(base_url={self.base_url!r})"

    def request(
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
                response = self._pool.exchange(call.http_request())
            except (RequestNotSent, OSError) as error:
                call.raise_connection_error(error)
            return call.parse_response(response)
        try:
            body = self._transport(method, call.url, call.headers(), payload)
        except OSError as error:
            return call.parse_transport_error(error)
        return call.check_body(body)

    def close(self) -> None:
        """Closes the connections; the next request opens a new one."""
        self._pool.close()
