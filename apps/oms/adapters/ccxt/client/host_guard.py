"""The host guard: the hosts that an account's environment may call, checked before a socket opens.

It cannot be switched off. It reads the venue catalog and the account's additions.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from oms.adapters.ccxt.client.request_errors import HostMismatch
from oms.adapters.ccxt.venues.catalog import Hosts, VenueInfo
from oms.domain.value import value

TLS_SCHEMES = frozenset({"https", "wss"})
PLAIN_SCHEMES = frozenset({"http", "ws"})
_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
LOCAL_NAME = "localhost"


@value
class HostGuard:
    """The hosts of one account; ``resolved_hosts`` resolve to this machine."""

    venue: str
    environment: str
    rest: frozenset[str]
    private_streams: frozenset[str]
    public_streams: frozenset[str]
    #: A header that every request has with this value, and one that no request may have.
    header: tuple[str, str] | None = None
    forbidden_header: str | None = None
    #: Paths of requests without the header.
    header_exempt_paths: Sequence[str] = ()
    resolved_hosts: frozenset[str] = frozenset()

    def check(self, url: str, headers: Mapping[str, str]) -> None:
        """Checks URL and headers of a request. Raises ``HostMismatch``."""
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
        """Checks scheme, host and port of a URL. Raises ``HostMismatch``."""
        self._check_host(url, self.rest)

    def check_stream(self, url: str) -> None:
        """Checks scheme, host and port of a websocket URL. Raises ``HostMismatch``."""
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
    """Returns scheme, host and port of a URL in lower case; port 0 if there is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", 0
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").rstrip(".")
    return scheme, host, port if port is not None else _PORTS.get(scheme, 0)


def format_host(host: str, port: int) -> str:
    """Returns ``host``, with its port unless it is 443."""
    return host if port == 443 else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Returns whether a host is a literal loopback address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_ip_address(host: str) -> bool:
    """Returns whether a host is written as an IP address, which is never resolved."""
    return ":" in host or host.replace(".", "").isdigit()


def build_host_guard(
    venue: VenueInfo,
    environment: str,
    *,
    allowed_hosts: Sequence[str] = (),
    resolve: Mapping[str, str] | None = None,
) -> HostGuard:
    """Returns the guard of an account; ``environment`` is one that the venue has."""
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
