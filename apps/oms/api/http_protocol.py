"""uvicorn's HTTP protocol with limits, and JSON responses to requests that it refuses itself.

Such requests reach neither middleware nor routes. The head is limited in bytes and lines; head,
body and the pause between two requests in time. A request that was received whole is answered
before the connection is closed for what follows it: its sender must not take the refusal of the
next bytes for the outcome of its order.
"""

import secrets
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from oms.api.connection_limits import ConnectionLimits
from oms.api.errors import error_detail
from oms.api.middleware.security_headers import SECURITY_HEADERS
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY
from oms.domain.errors import Refused
from oms.wire.json import dumps_fast

PIPELINED_MAX = 32
"""Requests of one connection that wait for the response of an earlier one."""

NEVER = float("inf")

MALFORMED = (400, "validation_error", "malformed HTTP request")
TOO_LATE = (408, "validation_error", "the request did not arrive in time")
HEAD_TOO_LARGE = (431, "payload_too_large", "the head of the request is too large")
REASONS = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}

Refusal = tuple[int, str, str]
"""Status, code and message."""

IDLE, HEAD, BODY = range(3)


class _TooLarge(Exception):
    """The head exceeds a limit."""


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection; ``connection_limits.LimitedConnection``."""

    limits: ConnectionLimits

    def connection_made(self, transport: Any) -> None:
        """Begin a connection."""
        super().connection_made(transport)
        settings = self.limits.settings
        self.address = self.client[0] if self.client else ""
        self.is_authenticated = False
        self._has_answered = False
        self.idle_since = self.loop.time()
        self.deadline = self.idle_since + settings.head_seconds
        self._reading = IDLE
        self._is_timed = False
        self._is_ending = False
        self._message_bytes = 0
        self._previous: RequestResponseCycle | None = None
        self.limits.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        self.limits.leave(self)
        super().connection_lost(exc)

    @property
    def is_closable(self) -> bool:
        """Whether no request of the connection is being executed."""
        cycle = self.cycle  # the newest request: earlier ones of the pipeline may be executed
        is_waiting = cycle is None or cycle.response_complete or cycle.more_body
        return is_waiting and not self.pipeline

    def unsent_bytes(self) -> int:
        """Return how many bytes the peer has not taken yet."""
        return int(self.transport.get_write_buffer_size())

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def expire(self) -> str | None:
        """End the connection because of its deadline; return the reason."""
        self.deadline = NEVER
        if self._reading == IDLE:
            reason = "idle" if self._has_answered else "head_timeout"
            self.transport.close()
            return reason
        reason = "head_timeout" if self._reading == HEAD else "body_timeout"
        self._refuse(TOO_LATE, reason)
        return reason

    def data_received(self, data: bytes) -> None:
        """Parse a segment; what follows the end of a connection is dropped."""
        step = self.limits.settings.head_bytes_max
        if len(data) <= step:
            self._parse(data)
        else:  # limits are checked before thousands of header lines are parsed
            for start in range(0, len(data), step):
                self._parse(data[start : start + step])

    def _parse(self, data: bytes) -> None:
        if self._is_ending:
            return
        continued = self._reading
        if continued:
            self._message_bytes += len(data)
        else:
            self._message_bytes = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            is_large = isinstance(error.__context__, _TooLarge)
            self._refuse(HEAD_TOO_LARGE if is_large else MALFORMED)
            return
        except httptools.HttpParserUpgrade:
            self._upgrade()
            return
        if self._reading:
            self._check_incomplete(continued)

    def on_message_begin(self) -> None:
        """Begin the head of a request."""
        if len(self.pipeline) >= PIPELINED_MAX:
            raise _TooLarge
        super().on_message_begin()
        self._reading = HEAD
        self._is_timed = False

    def on_headers_complete(self) -> None:
        """Begin the body of a request, and start its execution."""
        settings = self.limits.settings
        if len(self.headers) > settings.headers_max or (
            self._message_bytes > settings.head_bytes_max
            and self._head_bytes() > settings.head_bytes_max
        ):
            raise _TooLarge
        previous = self.cycle
        super().on_headers_complete()
        self._reading = BODY
        self._is_timed = False
        self._previous = previous
        if not self.parser.should_upgrade():
            self.headers = []  # trailers of a chunked body are no headers of the request

    def on_message_complete(self) -> None:
        """End the body of a request."""
        self._reading = IDLE
        if self.cycle is not None and self.cycle.response_complete:  # refused before it was read
            self.deadline = self.loop.time() + self.limits.settings.idle_seconds
        else:
            self.deadline = NEVER
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the next request of the connection, or wait for one."""
        self.server_state.total_requests += 1
        self._has_answered = True
        # The rate limit is charged to authenticated callers only.
        self.is_authenticated |= RATE_LIMIT_SCOPE_KEY in self.cycle.scope
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        self.idle_since = self.loop.time()
        if self._reading == IDLE:
            self.deadline = self.idle_since + self.limits.settings.idle_seconds

    def handle_websocket_upgrade(self) -> None:
        """Continue as a WebSocket connection."""
        self._is_ending = True
        super().handle_websocket_upgrade()
        websocket: Any = self.transport.get_protocol()
        websocket.limits = self.limits
        self.limits.replace(self, websocket)

    def _upgrade(self) -> None:
        if not self._should_upgrade():
            self._unsupported_upgrade_warning()
        elif self.cycle is not None and not self.cycle.response_complete:
            self._refuse(MALFORMED)  # the response of an earlier request is awaited
        else:
            self.handle_websocket_upgrade()

    def _check_incomplete(self, continued: int) -> None:
        """Limit a request of which only a part has arrived, in bytes and time."""
        settings = self.limits.settings
        if not self._is_timed:
            self._is_timed = True
            seconds = settings.head_seconds if self._reading == HEAD else settings.body_seconds
            self.deadline = self.loop.time() + seconds
        if self._reading == HEAD:
            is_large = continued == HEAD and self._message_bytes > settings.head_bytes_max
            if is_large or len(self.headers) > settings.headers_max:
                self._refuse(HEAD_TOO_LARGE)
        elif (
            self._message_bytes > settings.message_bytes_max
            or len(self.headers) > settings.headers_max
        ):
            self._refuse(MALFORMED)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self, refusal: Refusal, reason: str | None = None) -> None:
        """End the connection: after the response that is awaited, else with a refusal.

        The caller counts it if it gives a ``reason``.
        """
        self._is_ending = True
        awaited = self._drop_incomplete_request()
        if awaited is not None:
            awaited.keep_alive = False
            if reason is None:
                self.limits.count_closed("garbage_after_request")
            return
        is_begun = self._reading == BODY and self.cycle is not None
        has_response = is_begun and self.cycle.response_started
        if not has_response and not self.transport.is_closing():
            self.transport.write(refusal_response(*refusal))
        if reason is None:
            self.limits.count_closed(f"status_{refusal[0]}")
        self.transport.close()

    def _drop_incomplete_request(self) -> RequestResponseCycle | None:
        """Drop the request being read; return the last whole request that awaits a response."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None:
            return None
        if self._reading == BODY and cycle.more_body:
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
                cycle = self._previous
            else:
                cycle.disconnected = True
                cycle.message_event.set()
                return None
        return None if cycle is None or cycle.response_complete else cycle


def uvicorn_http_options(limits: ConnectionLimits) -> dict[str, Any]:
    """Return the ``uvicorn.Config`` options for HTTP; the Server header is off.

    uvicorn's own reading of ``X-Forwarded-For`` is off too: ``client_ip`` decides whom to trust.
    """
    protocol = type("LimitedHttpProtocol", (HttpProtocol,), {"limits": limits})
    return {"http": protocol, "server_header": False, "proxy_headers": False}


def refusal_response(status: int, code: str, message: str) -> bytes:
    """Return a whole response, head and body, with a new request id."""
    request_id = secrets.token_hex(12)
    body = dumps_fast({"detail": error_detail(Refused(code=code, message=message), request_id)})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body.encode())),
        (b"connection", b"close"),
        (b"x-request-id", request_id.encode()),
        *SECURITY_HEADERS,
    ]
    head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return b"HTTP/1.1 %d %s\r\n" % (status, REASONS[status]) + head + b"\r\n" + body.encode()
