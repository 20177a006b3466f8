"""Outermost middleware: request id, response headers, body size limit, last error handler.

Pure ASGI; the caller is not authenticated here.
"""

import logging
import re
import secrets
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms.api.errors import REQUEST_ID_SCOPE_KEY, internal_error_response, refusal_response
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.middleware.cors import CorsPolicy, HeaderList
from oms.api.middleware.security_headers import SECURITY_HEADERS
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimitState
from oms.domain.errors import Invalid, Refused

DRAINED_BYTES_MAX = 64 * 1024 * 1024
"""How much of a too large body is read and dropped, so that its sender reads the response."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

logger = logging.getLogger(__name__)


class RequestLimitsMiddleware:
    """Wraps the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        version: str,
        body_bytes_max: int,
        request_metrics: RequestMetrics,
        cross_origin: CorsPolicy | None = None,
    ) -> None:
        self._app = app
        self._cross_origin = cross_origin
        self._request_metrics = request_metrics
        self._body_bytes_max = body_bytes_max
        self._headers = [(b"x-oms-version", version.encode()), *SECURITY_HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; other scopes pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, length = _read_headers(scope)
        scope[REQUEST_ID_SCOPE_KEY] = request_id
        path: str = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path.rstrip("/") or "/"
        response = _ResponseSender(send, scope, self._headers, self._request_metrics)
        if self._cross_origin is not None:
            headers = Headers(scope=scope)
            response.add(self._cross_origin.headers(headers.get("origin")))
            preflight = self._cross_origin.preflight(scope["method"], headers, request_id)
            if preflight is not None:
                await preflight(scope, receive, response)
                return
        if length > self._body_bytes_max:
            await _drain(receive)
            await _too_large(self._body_bytes_max, request_id)(scope, receive, response)
            return
        body = _LimitedReceive(receive, self._body_bytes_max)
        try:
            await self._app(scope, body, response)
        except Exception:  # last handler of a request: the client gets a JSON error
            fields = {"request_id": request_id, "method": scope["method"], "path": path}
            logger.exception("request_failed", extra=fields)
            if response.has_started:
                raise
            await internal_error_response(request_id)(scope, receive, response)


class _ResponseSender:
    """``send`` that adds the headers of every response and counts it."""

    def __init__(
        self, send: Send, scope: Scope, headers: HeaderList, request_metrics: RequestMetrics
    ) -> None:
        self._send = send
        self._scope = scope
        self._request_metrics = request_metrics
        self._added = [(b"x-request-id", scope[REQUEST_ID_SCOPE_KEY].encode()), *headers]
        self.has_started = False

    def add(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Add headers to the response."""
        self._added += headers

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            self._request_metrics.count_response(message["status"])
            state: RateLimitState | None = self._scope.get(RATE_LIMIT_SCOPE_KEY)
            limits = () if state is None else state.headers()
            message["headers"] = [*message.get("headers", ()), *self._added, *limits]
        await self._send(message)


class _LimitedReceive:
    """``receive`` that counts the bytes of the body, independent of Content-Length."""

    def __init__(self, receive: Receive, bytes_max: int) -> None:
        self._receive = receive
        self._bytes_max = bytes_max
        self._bytes_read = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes_read += len(message.get("body", b""))
            if self._bytes_read > self._bytes_max:
                if message.get("more_body"):
                    await _drain(self._receive)
                raise Invalid(_too_large_text(self._bytes_max), code="payload_too_large")
        return message


def _read_headers(scope: Scope) -> tuple[str, int]:
    """Return the request id, the caller's or a new one, and the Content-Length (0 without)."""
    headers = dict(scope["headers"])
    request_id = headers.get(b"x-request-id", b"").decode("latin-1")
    content_length = headers.get(b"content-length", b"")
    length = int(content_length[:18]) if content_length.isdigit() else 0
    if not _REQUEST_ID.fullmatch(request_id):
        request_id = secrets.token_hex(12)
    return request_id, length


async def _drain(receive: Receive) -> None:
    drained = 0
    while drained < DRAINED_BYTES_MAX:
        message = await receive()
        drained += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _too_large(bytes_max: int, request_id: str) -> ASGIApp:
    refused = Refused(code="payload_too_large", message=_too_large_text(bytes_max))
    return refusal_response(refused, request_id)


def _too_large_text(bytes_max: int) -> str:
    return f"a request body may have at most {bytes_max} bytes"
