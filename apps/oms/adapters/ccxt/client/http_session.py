"""The HTTP session under a ccxt client, with hooks that ccxt's own session does not have.

It records for each call whether a first byte was sent, follows no redirect, retries nothing, and
resolves names as the account's environment requires.
"""

import os
import socket
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from oms.adapters.ccxt.client.host_guard import is_loopback
from oms.adapters.ccxt.client.request_errors import HostMismatch, HttpReply, UnexpectedRedirect
from oms.adapters.ccxt.ratelimit.rate_bucket import Priority, RateLimitBucket


class CallContext:
    """What the session recorded of one call of a ccxt method."""

    def __init__(
        self,
        *,
        is_write: bool,
        priority: Priority = Priority.SNAPSHOT,
        orders: int = 0,
        deadline: float | None = None,
    ) -> None:
        self.is_write = is_write
        self.priority = priority
        #: How many new orders it places.
        self.orders = orders
        #: Monotonic time after which it must not be sent.
        self.deadline = deadline
        self.headers_sent = 0
        self.reply: HttpReply | None = None
        #: The rate limit bucket that its last request counted against.
        self.bucket: RateLimitBucket | None = None
        #: The name of the bucket of its path alone.
        self.path_bucket_name = ""
        #: The buckets of new orders that it counted for, with the header that says their use.
        self.order_buckets: list[tuple[str, RateLimitBucket]] = []


#: The call of the running task; tasks that it starts share it.
CURRENT_CALL: ContextVar[CallContext | None] = ContextVar("ccxt_call", default=None)


class DuplicateSend(AssertionError):
    """A second request was sent within one write: a bug, never an outcome."""


async def _on_headers_sent(_session: object, _context: SimpleNamespace, _params: object) -> None:
    """Called before the first byte is written: too early is safe, too late is not."""
    call = CURRENT_CALL.get()
    if call is None:
        return
    if call.is_write and call.headers_sent:
        raise DuplicateSend("a write was about to send a second request")
    call.headers_sent += 1
    call.reply = None


async def _on_redirect(
    _session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
) -> None:
    """A redirect would send the signed body to any host."""
    params.response.close()
    raise UnexpectedRedirect(f"HTTP {params.response.status} redirects to another URL")


class HostResolver(AbstractResolver):
    """Resolves names by ``names`` (``"*"`` is every name), else as the machine does.

    With ``only_loopback`` an address elsewhere is refused.
    """

    def __init__(self, names: Mapping[str, str], *, only_loopback: bool) -> None:
        self._names = names
        self._only_loopback = only_loopback
        self._default = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Returns the addresses of a host. Raises ``HostMismatch``, ``OSError``."""
        mapped = self._names.get(host, self._names.get("*"))
        if mapped is None:
            results = await self._default.resolve(host, port, family)
        else:
            address, _, mapped_port = mapped.rpartition(":")
            results = [_resolve_result(host, address.strip("[]"), int(mapped_port))]
        if self._only_loopback and not all(is_loopback(each["host"]) for each in results):
            raise HostMismatch(f"{host} is not an address of this machine")
        return results

    async def close(self) -> None:
        """Closes the default resolver."""
        await self._default.close()


def _resolve_result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


def create_tls_context(cafile: str | None, *, verify: bool) -> ssl.SSLContext | bool:
    """Returns the TLS context: trusts ``cafile``, else the authorities of certifi; ``False``: none.

    Clients that trust the same file share a context, because reading the authorities takes 30 ms
    and a megabyte; a file that has changed is read again. Raises ``OSError``.
    """
    import certifi

    if not verify:
        return False
    path = cafile or certifi.where()
    read = os.stat(path)
    return _read_authorities(path, read.st_mtime_ns, read.st_size, read.st_ino)


@lru_cache(maxsize=16)
def _read_authorities(path: str, *_version: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=path)


def new_session(
    tls: ssl.SSLContext | bool, names: Mapping[str, str], *, only_loopback: bool
) -> aiohttp.ClientSession:
    """Returns a session with the hooks for one client; the caller closes it."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_on_headers_sent)
    trace.on_request_redirect.append(_on_redirect)
    connector = aiohttp.TCPConnector(
        ssl=tls,
        resolver=HostResolver(names, only_loopback=only_loopback),
        use_dns_cache=not (names or only_loopback),
        happy_eyeballs_delay=0,
    )
    session = aiohttp.ClientSession(connector=connector, trace_configs=[trace], trust_env=False)
    _disable_retries(session)
    return session


def _disable_retries(session: Any) -> None:
    """aiohttp retries GET, PUT and DELETE when a kept connection drops, and has no setting for it.

    Its own tests switch that off by this attribute; if it were gone, requests would be sent twice.
    """
    assert session._retry_connection is True, "aiohttp moved its retry setting"
    session._retry_connection = False
