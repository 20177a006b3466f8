"""Outermost middleware: request id, path without trailing slash, headers of every response.

Pure ASGI; the caller is not authenticated here.
"""

import os
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms.api.errors import REQUEST_ID_SCOPE_KEY
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.middleware.security_headers import SECURITY_HEADERS, SECURITY_HEADERS_KEY
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimitState

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestContextMiddleware:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, *, version: str, request_metrics: RequestMetrics) -> None:
        self._app = app
        self._request_metrics = request_metrics
        self._version = (b"x-oms-version", version.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; other scopes pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _read_request_id(scope)
        scope[REQUEST_ID_SCOPE_KEY] = request_id
        path: str = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope["path"] = path.rstrip("/") or "/"
        headers = [(b"x-request-id", request_id.encode()), self._version]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._request_metrics.count_response(message["status"])
                state: RateLimitState | None = scope.get(RATE_LIMIT_SCOPE_KEY)
                limits = () if state is None else state.headers()
                security = scope.get(SECURITY_HEADERS_KEY, SECURITY_HEADERS)
                message["headers"] = [*message.get("headers", ()), *headers, *security, *limits]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _read_request_id(scope: Scope) -> str:
    """Return the caller's request id if it is valid, else a new one."""
    for name, value in reversed(scope["headers"]):
        if name == b"x-request-id":
            request_id: str = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(request_id):
                return request_id
            break
    return os.urandom(12).hex()  # as secrets.token_hex, in a third of the time
