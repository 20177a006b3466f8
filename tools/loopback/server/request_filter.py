"""The gate that every request passes: the log, the rate limit, and the faults around the answer.

What is inside (who signs, what is asked) is the dialect's matter, and so are the words in which a
pause is asked for.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

from loopback.server.faults import Fault, FaultGroup, FaultQueue
from loopback.server.http import Request, Response

LOG_MAX = 50_000
HTML = b"<html><head><title>Attention</title></head><body>Please wait.</body></html>"
DEFAULT_PER_SECOND = 50


@dataclass
class LogEntry:
    """One request in the log; ``status`` is 0 while, or if, it has no answer."""

    number: int
    time: str
    method: str
    host: str
    path: str
    key: str
    client_id: str
    status: int = 0


@dataclass
class RateLimit:
    """So many private requests a second, until ``ends`` on the monotonic clock.

    With ``match`` those to paths that contain it, counted apart.
    """

    per_second: int
    ends: float | None = None
    key: str = ""
    match: str = ""


@dataclass
class RequestFilter:
    """One of a venue; all dialects and streams share it."""

    faults: FaultQueue = field(default_factory=FaultQueue)
    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=LOG_MAX))
    #: How far the time that requests are judged by is ahead, in milliseconds.
    skew_ms: int = 0
    limits: list[RateLimit] = field(default_factory=list)
    _count: int = 0
    _seen: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def write(self, request: Request, time: str, key: str, client_id: str) -> LogEntry:
        """Put a request into the log."""
        self._count += 1
        path = request.path + (f"?{request.query}" if request.query else "")
        entry = LogEntry(self._count, time, request.method, request.host, path, key, client_id)
        self.log.append(entry)
        return entry

    def logged(self, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The log, from the newest ``after`` on, of paths with ``match``."""
        after, match = int(told.get("after") or 0), str(told.get("match", ""))
        return [asdict(entry) for entry in self.log if entry.number > after and match in entry.path]

    def is_over(self, key: str, path: str) -> tuple[bool, int, int]:
        """Count a request: whether it is one too many, what is left, and what is allowed.

        Told is the limit that leaves least.
        """
        now = monotonic()
        self.limits = [each for each in self.limits if each.ends is None or each.ends > now]
        meant = [each for each in self.limits if each.key in ("", key) and each.match in path]
        matches = {"", *(each.match for each in meant)}
        counts = {match: self._count_since(key, match, now - 1) for match in matches}
        if over := [each for each in meant if counts[each.match] >= each.per_second]:
            return True, 0, over[0].per_second
        for match in matches:
            self._seen[key, match].append(now)
        told = meant or [RateLimit(DEFAULT_PER_SECOND)]
        left, allowed = min((e.per_second - counts[e.match] - 1, e.per_second) for e in told)
        return False, max(left, 0), allowed

    def count_of(self, key: str) -> int:
        """Private requests of a key within a second of its last."""
        return len(self._seen[key, ""])

    def _count_since(self, key: str, match: str, since: float) -> int:
        seen = self._seen[key, match]
        while seen and seen[0] <= since:
            seen.popleft()
        return len(seen)

    def allow(self, limit: RateLimit) -> None:
        """A new limit in place of an old one; what was asked before does not count."""
        same = (limit.key, limit.match)
        self.limits = [*(old for old in self.limits if (old.key, old.match) != same), limit]
        self._seen.clear()

    async def before(self, request: Request, key: str) -> Response | None:
        """What a fault answers in place of the venue."""
        fault = self.faults.take(FaultGroup.BEFORE, request.line, key)
        if fault is None:
            return None
        match fault.mode:
            case "hang":
                await _for_ever()
            case "slow_before":
                await asyncio.sleep(fault.number("ms", 300) / 1000)
                return None
            case "close_before":
                return Response(dead=True)
            case "redirect":
                host = request.headers.get("host", "127.0.0.1")
                there = fault.word("location", f"http://{host}/redirected")
                return Response(int(fault.number("status", 307)), headers={"Location": there})
        return _substitute(fault)

    async def after(self, request: Request, key: str, reply: Response) -> Response:
        """What a fault makes of an answer."""
        fault = self.faults.take(FaultGroup.AFTER, request.line, key)
        if fault is None:
            return reply
        match fault.mode:
            case "slow":
                await asyncio.sleep(fault.number("ms", 300) / 1000)
                return reply
            case "accept_then_hang":
                await _for_ever()
            case "accept_then_close":
                return Response(dead=True)
            case "accept_then_truncate":
                reply.cut = max(len(reply.body) // 2, 1)
                return reply
        return _substitute(fault)


def _substitute(fault: Fault) -> Response:
    """An answer that was made elsewhere: any status, body and type."""
    body = fault.told.get("body")
    if fault.mode.endswith("html"):
        text = HTML if body is None else str(body).encode()
        return Response(int(fault.number("status", 200)), text, {"Content-Type": "text/html"})
    is_json = fault.mode.endswith("json")
    if body is None:
        raw = b"{}" if is_json else b"upstream is not available"
    else:
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    usual = "application/json" if is_json or isinstance(body, dict) else "text/plain"
    headers = {"Content-Type": fault.word("type", usual)}
    headers |= {str(name): str(each) for name, each in fault.told.get("headers", {}).items()}
    return Response(int(fault.number("status", 200 if is_json else 503)), raw, headers)


async def _for_ever() -> None:
    """Until the client has gone: then whoever waits here is canceled."""
    await asyncio.Event().wait()
