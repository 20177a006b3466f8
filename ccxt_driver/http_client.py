"""``OmsHttpClient``: requests to the gateway, over the standard library or a given transport.

It opens no connection before the first request, and never repeats a request that is not a read.
"""

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ccxt_driver.errors import OmsDriverError, driver_error, no_response_error, raise_for_error
from ccxt_driver.transport.connection_pool import ConnectionPool, HttpResponse, RequestNotSent
from ccxt_driver.wire import Body, Request, json_bytes

Transport = Callable[[str, str, dict[str, str], Any], Body]
"""``transport(method, url, headers, payload) -> dict``, in place of the network."""

DEFAULT_BASE_URL = "http://127.0.0.1:8000"
DEFAULT_TIMEOUT_SECONDS = 30.0
#: Surely nothing was sent when one of these is met.
_NOT_SENT = (ConnectionRefusedError, socket.gaierror)


class OmsHttpClient:
    """A gateway's address and a key for it."""

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
        self._connections = ConnectionPool(self.base_url, timeout_seconds)

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
        """The body of a 2xx answer; ``path`` begins with ``/``.

        Raises what ``ccxt_driver.errors`` makes of everything else.
        """
        request = Request(method=method, path=path, query=query or {}, payload=payload)
        if self._transport is None:
            return self._over_network(request)
        headers = build_headers(request, self._api_key)
        try:
            body = self._transport(method, request.url(self.base_url), headers, payload)
        except HTTPError as answer:  # of a transport made of urllib
            return parse_urllib_error(answer, request)
        except OSError as wrong:
            raise transport_error(wrong, request) from wrong
        raise_for_error(body, request)
        return body

    def close(self) -> None:
        """Close the connections; the next request opens one."""
        self._connections.close()

    def _over_network(self, request: Request) -> Body:
        try:
            answer = self._connections.exchange(
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


def build_headers(request: Request, api_key: str) -> dict[str, str]:
    """The headers of a request, the key among them."""
    headers = {"accept": "application/json", "x-api-key": api_key}
    if request.payload is not None:
        headers["content-type"] = "application/json"
    return headers


def request_target(request: Request, base_url: str) -> str:
    """Path and query, below the path that the gateway's address may have."""
    parts = urlsplit(request.url(base_url))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def parse_urllib_error(raised: HTTPError, request: Request) -> Body:
    """What an answer says that urllib raised."""
    with raised:
        headers = {name.lower(): value for name, value in raised.headers.items()}
        answer = HttpResponse(status=raised.code, headers=headers, body=raised.read())
    return parse_response(answer, request)


def transport_error(wrong: OSError, request: Request) -> OmsDriverError:
    """The exception for a transport's failure."""
    reason = wrong.reason if isinstance(wrong, URLError) else None
    cause = reason if isinstance(reason, OSError) else wrong
    return no_response_error(cause, request, is_sent=not isinstance(cause, _NOT_SENT))


def parse_response(answer: HttpResponse, request: Request) -> Body:
    """The object in an answer. Raises what it refuses, and for a body that is no JSON object."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    told = body if isinstance(body, dict) else answer.body[:1000].decode("utf-8", "replace")
    after = answer.headers.get("retry-after", "")
    raise_for_error(
        told, request, status=answer.status, retry_after=float(after) if after.isdigit() else None
    )
    if not isinstance(body, dict):
        message = f"the gateway answered {answer.status} with a body that is no JSON object"
        outcome = None if request.is_read else "unknown"
        raise driver_error(
            "BadResponse", message, code="bad_response", outcome=outcome, response=told
        )
    return body
