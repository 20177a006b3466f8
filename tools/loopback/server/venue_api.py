"""The part of a venue's API that all dialects share: the request log, faults, and streams."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, TypeVar

from loopback.exchange.venue import Venue
from loopback.formatting import to_ms
from loopback.server.http import Request, Response, WebSocket
from loopback.server.read_faults import apply_read_fault
from loopback.server.request_filter import LogEntry, RequestFilter

Result = TypeVar("Result")


class Streams(Protocol):
    """The WebSocket streams of a dialect."""

    def has(self, request: Request) -> bool:
        """Returns whether there is a stream at the path."""

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """Serves a connection until it is closed."""


class VenueApi(ABC):
    """The ``RequestHandler`` of a dialect's port."""

    #: The request header with the API key, in lower case.
    key_header: ClassVar[str]

    def __init__(self, venue: Venue, request_filter: RequestFilter, streams: Streams) -> None:
        self._venue, self._request_filter, self._streams = venue, request_filter, streams

    async def handle(self, request: Request) -> Response:
        """Returns the response to a REST request, including faults."""
        key = request.headers.get(self.key_header, "")
        entry = self._request_filter.log_request(
            request, self._venue.now().isoformat(), key, self._client_id(request)
        )
        return await self._request_filter.respond(
            request, entry, lambda: self._respond(request, entry)
        )

    async def refuse_upgrade(self, request: Request) -> Response | None:
        """Returns 503 for a fault, 404 for an unknown stream, else ``None``."""
        time, is_known = self._venue.now().isoformat(), self._streams.has(request)
        return self._request_filter.refuse_upgrade(request, time, is_known=is_known)

    async def serve_stream(self, request: Request, socket: WebSocket) -> None:
        """Serves a stream until it is closed."""
        await self._streams.serve(request, socket)

    @abstractmethod
    def _client_id(self, request: Request) -> str:
        """Returns the client ids that a request names, for the log: of a batch joined by commas."""

    @abstractmethod
    def _respond(self, request: Request, entry: LogEntry) -> Response:
        """Returns the response without faults before and after it."""

    def _with_read_fault(self, request: Request, entry: LogEntry, result: Result) -> Result:
        faults, now = self._request_filter.faults, self._venue.now()
        changed: Result = apply_read_fault(faults, request.path, entry.key, result, now)
        return changed

    def _now_ms(self) -> int:
        """Returns the time by the clock that checks timestamps."""
        return to_ms(self._venue.now()) + self._request_filter.skew_ms
