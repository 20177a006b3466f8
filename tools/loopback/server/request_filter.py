"""What all API requests pass: the request log, the rate limit, and faults around the response.

Authentication and the format of a rate limit error belong to the dialect.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

from loopback.faults import Fault, FaultGroup, FaultQueue
from loopback.server.http import Request, Response

LOG_MAX = 50_000
HTML = b"<html><head><title>Attention</title></head><body>Please wait.</body></html>"
DEFAULT_PER_SECOND = 50


@dataclass
class LogEntry:
    """One request in the log; ``status`` is 0 as long as there is no response.

    ``is_limited``: it exceeded a rate limit, and nothing was executed.
    """

    number: int
    time: str
    method: str
    host: str
    path: str
    key: str
    client_id: str
    status: int = 0
    is_limited: bool = False


@dataclass
class RateLimit:
    """Private requests per second of a key (or each key), until ``ends_at`` (monotonic).

    With ``match`` only requests to paths that contain it, or end with it where it ends with ``$``,
    counted separately; each order of a batch counts there.
    """

    per_second: int
    ends_at: float | None = None
    key: str = ""
    match: str = ""

    def applies_to(self, path: str) -> bool:
        """Returns whether requests to the path count."""
        if self.match.endswith("$"):
            return path.endswith(self.match[:-1])
        return self.match in path


@dataclass
class RequestFilter:
    """One instance is shared by all dialects and streams of a venue."""

    faults: FaultQueue = field(default_factory=FaultQueue)
    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=LOG_MAX))
    #: How far the clock that checks timestamps is ahead, in milliseconds.
    skew_ms: int = 0
    limits: list[RateLimit] = field(default_factory=list)
    _count: int = 0
    _request_times: dict[tuple[str, str], deque[float]] = field(
        default_factory=lambda: defaultdict(deque)
    )

    #: The number of the window and the orders in it, by key and seconds.
    _order_counts: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def log_request(self, request: Request, time: str, key: str, client_id: str) -> LogEntry:
        """Adds a request to the log; returns its entry."""
        self._count += 1
        path = request.path + (f"?{request.query}" if request.query else "")
        entry = LogEntry(self._count, time, request.method, request.host, path, key, client_id)
        self.log.append(entry)
        return entry

    async def respond(
        self,
        request: Request,
        entry: LogEntry,
        answer: Callable[[], Response],
    ) -> Response:
        """Returns the response to a logged request: of a fault, or ``answer()``, changed by one."""
        response = await self.fault_before(request, entry.key)
        if response is None:
            response = await self.fault_after(request, entry.key, answer())
        entry.status = response.status
        return response

    def refuse_upgrade(self, request: Request, time: str, *, is_known: bool) -> Response | None:
        """Logs a WebSocket request; returns 503 for a fault, 404 for an unknown stream."""
        self.log_request(request, time, "", "")
        if self.faults.take(FaultGroup.STREAM, request.path, "", "refuse"):
            return Response(503, b"no capacity", {"Content-Type": "text/plain"})
        return None if is_known else Response(404)

    def read_log(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Returns the entries after the number ``after`` whose path contains ``match``."""
        after, match = int(body.get("after") or 0), str(body.get("match", ""))
        return [asdict(entry) for entry in self.log if entry.number > after and match in entry.path]

    def count_request(self, key: str, path: str, orders: int = 1) -> tuple[bool, int, int]:
        """Counts a request; returns whether it exceeds a limit, the rest, and the limit.

        The returned limit is the one with the smallest rest. ``orders`` count for limits of a path.
        """
        now = monotonic()
        self.limits = [each for each in self.limits if each.ends_at is None or each.ends_at > now]
        limits = [each for each in self.limits if each.key in ("", key) and each.applies_to(path)]
        matches = {"", *(each.match for each in limits)}
        counts = {match: self._count_since(key, match, now - 1) for match in matches}
        needed = {match: orders if match else 1 for match in matches}
        exceeded = [
            each for each in limits if counts[each.match] + needed[each.match] > each.per_second
        ]
        if exceeded:
            return True, 0, exceeded[0].per_second
        for match in matches:
            self._request_times[key, match].extend([now] * needed[match])
        effective = limits or [RateLimit(DEFAULT_PER_SECOND)]
        left, allowed = min(
            (e.per_second - counts[e.match] - needed[e.match], e.per_second) for e in effective
        )
        return False, max(left, 0), allowed

    def count_orders(self, key: str, orders: int, windows: Mapping[int, int]) -> dict[int, int]:
        """Counts new orders in fixed windows; returns those of each, by its seconds.

        ``windows`` says how many orders each allows. If ``orders`` exceed one, they are not counted
        and the returned count is above its limit.
        """
        now = monotonic()
        counts = {}
        for seconds in windows:
            number = int(now // seconds)
            last, count = self._order_counts.get((key, seconds), (number, 0))
            counts[seconds] = orders + (count if last == number else 0)
        if all(counts[seconds] <= allowed for seconds, allowed in windows.items()):
            for seconds in windows:
                self._order_counts[key, seconds] = (int(now // seconds), counts[seconds])
        return counts

    def recent_requests(self, key: str) -> int:
        """Returns the private requests of a key within a second before its last one."""
        return len(self._request_times[key, ""])

    def _count_since(self, key: str, match: str, since: float) -> int:
        times = self._request_times[key, match]
        while times and times[0] <= since:
            times.popleft()
        return len(times)

    def set_limit(self, limit: RateLimit) -> None:
        """Adds or replaces a limit; earlier requests do not count."""
        scope = (limit.key, limit.match)
        self.limits = [*(old for old in self.limits if (old.key, old.match) != scope), limit]
        self._request_times.clear()

    def clear_limits(self) -> None:
        """Drops all limits and what was counted."""
        self.limits = []
        self._request_times.clear()
        self._order_counts.clear()

    async def fault_before(self, request: Request, key: str) -> Response | None:
        """Returns the response of a fault that replaces the processing; ``None`` without one."""
        fault = self.faults.take(FaultGroup.BEFORE, request.line, key)
        if fault is None:
            return None
        match fault.mode:
            case "hang":
                await _wait_forever()
            case "slow_before":
                await asyncio.sleep(fault.number("ms", 300) / 1000)
                return None
            case "close_before":
                return Response(is_dropped=True)
            case "redirect":
                host = request.headers.get("host", "127.0.0.1")
                location = fault.text("location", f"http://{host}/redirected")
                return Response(int(fault.number("status", 307)), headers={"Location": location})
        return _substitute(fault)

    async def fault_after(self, request: Request, key: str, response: Response) -> Response:
        """Returns the response, changed by a fault if one matches."""
        fault = self.faults.take(FaultGroup.AFTER, request.line, key)
        if fault is None:
            return response
        match fault.mode:
            case "slow":
                await asyncio.sleep(fault.number("ms", 300) / 1000)
                return response
            case "accept_then_hang":
                await _wait_forever()
            case "accept_then_close":
                return Response(is_dropped=True)
            case "accept_then_truncate":
                response.truncated_bytes = max(len(response.body) // 2, 1)
                return response
        return _substitute(fault)


def _substitute(fault: Fault) -> Response:
    """Returns the response that the fault describes: status, body and content type."""
    body = fault.options.get("body")
    if fault.mode.endswith("html"):
        text = HTML if body is None else str(body).encode()
        return Response(int(fault.number("status", 200)), text, {"Content-Type": "text/html"})
    is_json = fault.mode.endswith("json")
    if body is None:
        content = b"{}" if is_json else b"upstream is not available"
    else:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    content_type = "application/json" if is_json or isinstance(body, dict) else "text/plain"
    headers = {"Content-Type": fault.text("type", content_type)}
    headers |= {str(name): str(each) for name, each in fault.options.get("headers", {}).items()}
    return Response(int(fault.number("status", 200 if is_json else 503)), content, headers)


async def _wait_forever() -> None:
    """Waits until the client has disconnected, which cancels this task."""
    await asyncio.Event().wait()
