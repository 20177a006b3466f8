"""Limit of the body size, and the last error handler of a request. Pure ASGI.

A too large body is refused as soon as its size is known. What follows of a body that was not read
is discarded after the response was sent: a sender whose connection is closed could not read it.
"""

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms.api.errors import REQUEST_ID_SCOPE_KEY, internal_error_response, refusal_response
from oms.api.logged_paths import logged_path
from oms.config_sections import CommandSettings
from oms.domain.errors import Invalid, Refused

LARGE_BODY_PATHS = ("/oms/commands", "/oms/reassign", "/ccxt/", "/admin/oms/")
"""Beginnings of the paths of routes that take lists."""

logger = logging.getLogger(__name__)


class RequestLimitsMiddleware:
    """Refuses too large bodies and answers unexpected exceptions with ``internal_error``."""

    def __init__(self, app: ASGIApp, *, settings: CommandSettings) -> None:
        self._app = app
        self._large_bytes_max = settings.body_bytes_max
        self._small_bytes_max = min(settings.small_body_bytes_max, settings.body_bytes_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; other scopes pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id: str = scope[REQUEST_ID_SCOPE_KEY]
        is_large = scope["path"].startswith(LARGE_BODY_PATHS)
        bytes_max = self._large_bytes_max if is_large else self._small_bytes_max
        length = _read_length(scope)
        body = _LimitedReceive(receive, bytes_max, is_complete=not length)
        has_started = False

        async def tracked_send(message: Message) -> None:
            nonlocal has_started
            has_started = True
            is_last = message["type"] == "http.response.body" and not message.get("more_body")
            if is_last and not body.is_complete:
                await send({**message, "more_body": True})
                await body.discard()
                message = {"type": "http.response.body"}
            await send(message)

        try:
            if length > bytes_max:
                await _too_large(bytes_max, request_id)(scope, receive, tracked_send)
            else:
                await self._app(scope, body, tracked_send)
        except ClientDisconnect:
            return  # there is no reader of a response
        except Exception:  # last handler of a request: the client gets a JSON error
            fields = {"method": scope["method"], "path": logged_path(scope["path"])}
            logger.exception("request_failed", extra={"request_id": request_id} | fields)
            if has_started:
                raise
            await internal_error_response(request_id)(scope, receive, send)


class _LimitedReceive:
    """``receive`` that counts the bytes of the body, independent of Content-Length."""

    def __init__(self, receive: Receive, bytes_max: int, *, is_complete: bool) -> None:
        self._receive = receive
        self._bytes_max = bytes_max
        self._bytes_read = 0
        #: Whether nothing is left to be read.
        self.is_complete = is_complete

    async def discard(self) -> None:
        """Read the rest of the body; its bytes and time are limited by the server."""
        while not self.is_complete:
            message = await self._receive()
            is_body = message["type"] == "http.request"
            self.is_complete = not is_body or not message.get("more_body", False)

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.is_complete = not message.get("more_body", False)
            self._bytes_read += len(message.get("body", b""))
            if self._bytes_read > self._bytes_max:
                raise Invalid(_too_large_text(self._bytes_max), code="payload_too_large")
        return message


def _read_length(scope: Scope) -> int:
    """Return the Content-Length, 0 without a valid one."""
    for name, value in reversed(scope["headers"]):
        if name == b"content-length":
            return int(value[:18]) if value.isdigit() else 0
    return 0


def _too_large(bytes_max: int, request_id: str) -> ASGIApp:
    refused = Refused(code="payload_too_large", message=_too_large_text(bytes_max))
    return refusal_response(refused, request_id)


def _too_large_text(bytes_max: int) -> str:
    return f"a request body may have at most {bytes_max} bytes"
