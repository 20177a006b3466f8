"""uvicorn's HTTP protocol, whose answer to what is no HTTP is JSON like every other.

Such a request reaches no route and no layer of ours; its connection ends with the answer.
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
    """What ``uvicorn.Config`` must know to serve HTTP; the software's name is not told."""
    return {"http": _answering(AutoHTTPProtocol), "server_header": False}


def malformed_request_response() -> bytes:
    """The whole answer, head and body, under an id of its own."""
    request_id = secrets.token_hex(12)
    refused = Refused(code="validation_error", message="this is no HTTP request")
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


def _answering(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """``protocol``, with our answer; which one it is depends on what is installed."""

    def send_400_response(self: Any, msg: str) -> None:
        self.transport.write(malformed_request_response())
        self.transport.close()

    return type("HttpProtocol", (protocol,), {"send_400_response": send_400_response})
