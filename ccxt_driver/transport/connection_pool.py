"""Kept-alive HTTP connections over the standard library.

A trading request is sent once and never again. A read that meets a connection which the other
side has closed meanwhile is sent anew. Requests may come from several threads: each has a
connection to itself while it waits.
"""

import os
import selectors
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

#: A connection that lay idle for longer is not trusted with a request that can be sent only once:
#: the other side may be closing it at this very moment.
IDLE_SECONDS_MAX = 4.0
#: Idle connections that are kept.
IDLE_CONNECTIONS_MAX = 8


class RequestNotSent(Exception):
    """No connection came about, so surely nothing was sent; the cause is an ``OSError``."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def parse_base_url(base_url: str) -> SplitResult:
    """The parts of a gateway's address. Raises ``ValueError``."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{base_url!r} is no address such as http://127.0.0.1:8000")
    return parts


@dataclass(slots=True)
class _Kept:
    connection: HTTPConnection
    since: float

    def is_usable(self, seconds_max: float) -> bool:
        """Idle for a short time only, and the other side has not closed it."""
        if time.monotonic() - self.since > seconds_max:
            return False
        # A socket that is readable while nothing was asked has been closed, or tells nonsense.
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection.sock, selectors.EVENT_READ)
            return not selector.select(0)


class ConnectionPool:
    """Connections to one address, opened when they are needed."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        self._parts = parse_base_url(base_url)
        self._timeout_seconds = timeout_seconds
        self._kept: list[_Kept] = []
        self._pid = os.getpid()

    def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        is_repeatable: bool,
    ) -> HttpResponse:
        """Send a request and read its answer; ``target`` is path and query.

        Raises ``NotSent`` if no connection came about, ``OSError`` if the answer was lost.
        """
        if is_repeatable:
            while (kept := self._take(float("inf"))) is not None:
                try:
                    return self._ask(kept, method, target, headers, body)
                except TimeoutError:
                    raise
                except OSError:
                    continue  # it was closed meanwhile: the next one, at last a new one
        kept = None if is_repeatable else self._take(IDLE_SECONDS_MAX)
        return self._ask(kept or self._connect(), method, target, headers, body)

    def close(self) -> None:
        """Close the idle connections; the next request opens a new one."""
        while self._kept:
            self._kept.pop().connection.close()

    def _take(self, seconds_max: float) -> HTTPConnection | None:
        """An idle connection that can be trusted; others are closed."""
        if self._pid != os.getpid():  # after a fork the connections are the parent's
            self._kept, self._pid = [], os.getpid()
        while self._kept:
            try:
                kept = self._kept.pop()
            except IndexError:  # another thread was faster
                return None
            if kept.is_usable(seconds_max):
                return kept.connection
            kept.connection.close()
        return None

    def _connect(self) -> HTTPConnection:
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        assert self._parts.hostname is not None
        connection = kind(self._parts.hostname, self._parts.port, timeout=self._timeout_seconds)
        try:
            connection.connect()
        except OSError as cause:
            connection.close()
            raise RequestNotSent(cause) from cause
        return connection

    def _ask(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> HttpResponse:
        is_kept = False
        try:
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            answer = HttpResponse(
                status=response.status,
                headers={name.lower(): value for name, value in response.getheaders()},
                body=response.read(),
            )
            is_kept = not response.will_close and len(self._kept) < IDLE_CONNECTIONS_MAX
        except HTTPException as wrong:
            if isinstance(wrong, OSError):
                raise
            raise ConnectionError(f"the answer was no whole HTTP answer: {wrong!r}") from wrong
        finally:
            if is_kept:
                self._kept.append(_Kept(connection, time.monotonic()))
            else:
                connection.close()
        return answer
