"""One call of the gateway's HTTP API without I/O: its HTTP request, and what a response means."""

import json
import socket
from dataclasses import dataclass
from typing import NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ccxt_driver.errors import OmsDriverError, driver_error, no_response_error, raise_for_error
from ccxt_driver.sansio.http1 import HttpRequest, HttpResponse
from ccxt_driver.sansio.idle_pool import RequestNotSent
from ccxt_driver.wire import Body, Request, json_bytes

#: Errors of a transport that mean that nothing was sent.
_NOT_SENT = (ConnectionRefusedError, socket.gaierror)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayCall:
    """A request to one gateway with a key."""

    request: Request
    base_url: str
    api_key: str

    @property
    def url(self) -> str:
        """The absolute URL."""
        return self.request.url(self.base_url)

    def headers(self) -> dict[str, str]:
        """Returns the headers, the API key among them."""
        headers = {"accept": "application/json", "x-api-key": self.api_key}
        if self.request.payload is not None:
            headers["content-type"] = "application/json"
        return headers

    def http_request(self) -> HttpRequest:
        """Returns the HTTP request; the base URL may contain a path prefix."""
        parts, payload = urlsplit(self.url), self.request.payload
        return HttpRequest(
            method=self.request.method,
            target=f"{parts.path}?{parts.query}" if parts.query else parts.path,
            headers=self.headers(),
            body=None if payload is None else json_bytes(payload),
            is_repeatable=self.request.is_read,
        )

    def parse_response(self, response: HttpResponse) -> Body:
        """Returns the JSON object of a response. Raises ``OmsDriverError`` for any other."""
        try:
            body = json.loads(response.body)
        except ValueError:
            body = None
        is_object = isinstance(body, dict)
        content = body if is_object else response.body[:1000].decode("utf-8", "replace")
        after = response.headers.get("retry-after", "")
        raise_for_error(
            content,
            self.request,
            status=response.status,
            retry_after=float(after) if after.isdigit() else None,
        )
        if not isinstance(body, dict):
            raise driver_error(
                "BadResponse",
                f"the gateway responded {response.status} with a body that is not a JSON object",
                code="bad_response",
                outcome=None if self.request.is_read else "unknown",
                response=content,
            )
        return body

    def check_body(self, body: Body) -> Body:
        """Returns the body that a transport returned. Raises ``OmsDriverError`` for an error."""
        raise_for_error(body, self.request)
        return body

    def raise_connection_error(self, error: RequestNotSent | OSError) -> NoReturn:
        """Raises the ``OmsDriverError`` for an error of the connection pool."""
        if isinstance(error, RequestNotSent):
            raise no_response_error(error.cause, self.request, is_sent=False) from error.cause
        raise no_response_error(error, self.request, is_sent=True) from error

    def parse_transport_error(self, error: OSError) -> Body:
        """Returns the body of an ``HTTPError`` of urllib if it is not an error response.

        Raises the ``OmsDriverError`` for any other exception of a given transport.
        """
        if not isinstance(error, HTTPError):
            raise self._transport_error(error) from error
        with error:
            headers = {name.lower(): value for name, value in error.headers.items()}
            response = HttpResponse(status=error.code, headers=headers, body=error.read())
        return self.parse_response(response)

    def _transport_error(self, error: OSError) -> OmsDriverError:
        reason = error.reason if isinstance(error, URLError) else None
        cause = reason if isinstance(reason, OSError) else error
        return no_response_error(cause, self.request, is_sent=not isinstance(cause, _NOT_SENT))
