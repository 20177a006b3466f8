"""uvicorn's HTTP protocol with a JSON response to malformed HTTP.

Such a request reaches neither middleware nor routes; its connection is closed after the response.
"""

import asyncio
import secrets
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from oms.api.errors import error_detail
from oms.api.middleware.security_headers import SECURITY_HEADERS
from oms.domain.errors import Refused
from oms.wire.json import dumps_fast


def uvicorn_http_options() -> dict[str, Any]:
    """Return the ``uvicorn.Config`` options for HTTP.

    The Server header is off; so are uvicorn's proxy headers, because ``client_ip`` reads them.
    """
    return {
        "http": _with_json_errors(AutoHTTPProtocol),
        "server_header": False,
        "proxy_headers": False,
    }


def malformed_request_response() -> bytes:
    """Return the whole 400 response, head and body, with a new request id."""
    request_id = secrets.token_hex(12)
    refused = Refused(code="validation_error", message="malformed HTTP request")
    body = dumps_fast({"detail": error_detail(refused, request_id)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        (b"x-request-id", request_id.encode()),
        *SECURITY_HEADERS,
    ]
    head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return b"HTTP/1.1 400 Bad Request\r\n" + head + b"\r\n" + body


def _with_json_errors(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """Return a subclass of ``protocol`` (httptools or h11, as installed) with our response."""

    def send_400_response(self: Any, msg: str) -> None:
        self.transport.write(malformed_request_response())
        self.transport.close()

    return type("HttpProtocol", (protocol,), {"send_400_response": send_400_response})
