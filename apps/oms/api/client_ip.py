"""The client IP address of a request: the peer's, or the one that trusted proxies report.

``X-Forwarded-For`` is read only if the peer is in the setting ``trusted_proxies``. Its lines are
one list in the order received; it is read from its end, where the nearest proxy appends. The client
is the first address that is not a trusted proxy; everything before it can be forged. An entry that
is no address ends the search: the client is then ``UNKNOWN_ADDRESS``, which no network contains and
which is not loopback. ``Forwarded`` (RFC 7239) and ``X-Real-IP`` are never read.
"""

import re
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from starlette.types import Scope

UNKNOWN_ADDRESS = "unknown"
"""The address of a client whose nearest trusted proxy reports something that is no address."""

IpAddress = IPv4Address | IPv6Address

#: IPv6 in brackets or IPv4, each with an optional port, or IPv6 alone.
_ENTRY = re.compile(
    r"(?:\[(?P<bracketed>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|(?P<v4>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?"
    r"|(?P<v6>[0-9A-Fa-f:.]+)"
)
_PORT_MAX = 65_535


def client_ip(scope: Scope, trusted: tuple[str, ...]) -> str:
    """Return the address in canonical form, IPv4 also for IPv4-mapped IPv6.

    It is empty if the connection has none, and ``UNKNOWN_ADDRESS`` if a trusted proxy reports
    no valid one.
    """
    client: tuple[str, int] | None = scope.get("client")
    if client is None:
        return ""
    peer = _parse_address(client[0])
    if peer is None:
        return UNKNOWN_ADDRESS
    nearest = peer
    if _is_in(peer, trusted):
        for entry in reversed(_forwarded_entries(scope)):
            address = _parse_entry(entry)
            if address is None:
                return UNKNOWN_ADDRESS
            nearest = address
            if not _is_in(address, trusted):
                break
    return str(nearest)


def is_trusted_address(text: str, trusted: tuple[str, ...]) -> bool:
    """Return whether ``text`` is an address of a trusted proxy."""
    address = _parse_address(text)
    return address is not None and _is_in(address, trusted)


def _forwarded_entries(scope: Scope) -> list[str]:
    """Return the entries of all ``X-Forwarded-For`` lines in order, without empty ones."""
    lines = [
        line.decode("latin-1") for name, line in scope["headers"] if name == b"x-forwarded-for"
    ]
    entries = [entry.strip(" \t") for entry in ",".join(lines).split(",")]
    return [entry for entry in entries if entry]


def _parse_entry(entry: str) -> IpAddress | None:
    """Return the address of a list entry, with or without port; ``None`` if it is none."""
    found = _ENTRY.fullmatch(entry)
    if found is None:
        return None
    if int(found["port"] or 0) > _PORT_MAX:
        return None
    return _parse_address(found["bracketed"] or found["v4"] or found["v6"])


def _parse_address(text: str) -> IpAddress | None:
    """Return the address, IPv4 for IPv4-mapped IPv6; ``None`` if ``text`` is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: IpAddress, trusted: tuple[str, ...]) -> bool:
    return any(address in network for network in _networks(trusted))


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text, strict=False) for text in trusted)
