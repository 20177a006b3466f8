"""The host guard: which hosts an account's environment may call, checked before a socket opens.

There is no switch that turns it off. It reads ``venues`` and the account's own additions; it does
not know how requests are made.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from oms.adapters.ccxt.client.http_session import is_loopback
from oms.adapters.ccxt.client.request_errors import HostMismatch
from oms.adapters.ccxt.venues.catalog import Hosts, VenueInfo
from oms.domain.value import value

TLS_SCHEMES = frozenset({"https", "wss"})
PLAIN_SCHEMES = frozenset({"http", "ws"})
_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
LOCAL_NAME = "localhost"


@value
class HostGuard:
    """What one account may call; ``resolved`` are the names that ``oms.resolve`` sends home."""

    venue: str
    environment: str
    rest: frozenset[str]
    private_streams: frozenset[str]
    public_streams: frozenset[str]
    #: Must be there with this value, and must not be there.
    header: tuple[str, str] | None = None
    forbidden_header: str | None = None
    #: Paths that go without the header.
    header_exempt_paths: Sequence[str] = ()
    resolved_hosts: frozenset[str] = frozenset()

    def check(self, url: str, headers: Mapping[str, str]) -> None:
        """Raises ``HostMismatch``."""
        self.check_rest(url)
        by_name = {name.lower(): str(text) for name, text in headers.items()}
        if self.header is not None:
            name, expected = self.header
            is_marked = not any(path in url for path in self.header_exempt_paths)
            if is_marked and by_name.get(name.lower()) != expected:
                raise self._mismatch(url, f"without {name}: {expected}")
        if self.forbidden_header is not None and self.forbidden_header.lower() in by_name:
            raise self._mismatch(url, f"with {self.forbidden_header}")

    def check_rest(self, url: str) -> None:
        """Scheme, host and port of a URL, without headers. Raises ``HostMismatch``."""
        self._check_host(url, self.rest)

    def check_stream(self, url: str) -> None:
        """The same of a websocket. Raises ``HostMismatch``."""
        is_private = "private" in url.partition("?")[0]
        allowed = self.private_streams if is_private else self.private_streams | self.public_streams
        self._check_host(url, allowed)

    def _check_host(self, url: str, allowed: frozenset[str]) -> None:
        scheme, host, port = split_url(url)
        if scheme not in TLS_SCHEMES | PLAIN_SCHEMES:
            raise self._mismatch(url, f"by {scheme or 'no scheme'}")
        if self.environment != "live" and (is_loopback(host) or host == LOCAL_NAME):
            return
        if self.environment == "loopback":
            if host in self.resolved_hosts or (
                "*" in self.resolved_hosts and not is_ip_address(host)
            ):
                return
            raise self._mismatch(url, "which is not this machine")
        if scheme in PLAIN_SCHEMES:
            raise self._mismatch(url, "without TLS")
        if format_host(host, port) not in allowed:
            raise self._mismatch(url, "which is none of its hosts")

    def _mismatch(self, url: str, why: str) -> HostMismatch:
        _, host, port = split_url(url)
        where = f"{self.venue} in {self.environment}"
        return HostMismatch(f"{where} may not call {format_host(host, port)} {why}")


def split_url(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL, in lower case; port 0 is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", 0
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").rstrip(".")
    return scheme, host, port if port is not None else _PORTS.get(scheme, 0)


def format_host(host: str, port: int) -> str:
    """``host``, with its port unless it is that of TLS."""
    return host if port == 443 else f"{host}:{port}"


def is_ip_address(host: str) -> bool:
    """Whether a host is written as an address: such a one is never resolved."""
    return ":" in host or host.replace(".", "").isdigit()


def build_host_guard(
    venue: VenueInfo,
    environment: str,
    *,
    allowed_hosts: Sequence[str] = (),
    resolve: Mapping[str, str] | None = None,
) -> HostGuard:
    """The guard of an account of ``venue``. ``environment`` is one that the venue has."""
    hosts = venue.environments.get(environment, Hosts())
    more = frozenset(allowed_hosts)
    header, forbidden = hosts.header, None
    if environment == "live":
        forbidden = next((h.header[0] for h in venue.environments.values() if h.header), None)
    return HostGuard(
        venue=venue.id,
        environment=environment,
        rest=frozenset(hosts.rest) | more,
        private_streams=frozenset(hosts.private_stream) | more,
        public_streams=frozenset(hosts.public_stream) | more,
        header_exempt_paths=hosts.header_exempt_paths,
        header=header,
        forbidden_header=forbidden,
        resolved_hosts=frozenset(resolve or {}),
    )
