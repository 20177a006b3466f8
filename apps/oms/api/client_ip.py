"""The client IP address of a request: the peer's, or the one that trusted proxies report.

``X-Forwarded-For`` is read only if the peer is in the setting ``trusted_proxies``. Its lines are
one list in the order received; it is read from its end, where the nearest proxy appends. The client
is the first address that is not a trusted proxy; everything before it can be forged. An entry that
is no address ends the search: the client is then ``UNKNOWN_ADDRESS``, which no network contains and
which is not loopback. ``Forwarded`` (RFC 7239) and ``X-Real-IP`` are never read.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from starlette.types import Scope

UNKNOWN_ADDRESS = "unknown"
"""The address of a client whose nearest trusted proxy reports something that is no address."""

#: IPv6 in brackets or IPv4, each with an optional port, or IPv6 alone.
_ENTRY = re.compile(
    r"(?:\[(?P<bracketed>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|(?P<v4>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?"
    r"|(?P<v6>[0-9A-Fa-f:.]+)"
)
_PORT_MAX = 65_535
_ADDRESS_CHARACTERS_MAX = 45
"""Length of the longest IPv6 address, one that ends with an IPv4 address."""


class _Address(NamedTuple):
    """An address in canonical form."""

    text: str
    is_trusted: bool


def client_ip(scope: Scope, trusted: tuple[str, ...]) -> str:
    """Return the address in canonical form, IPv4 also for IPv4-mapped IPv6.

    It is empty if the connection has none, and ``UNKNOWN_ADDRESS`` if a trusted proxy reports
    no valid one.
    """
    client: tuple[str, int] | None = scope.get("client")
    if client is None:
        return ""
    nearest = _read_address(client[0], trusted)
    if nearest is not None and nearest.is_trusted:
        for entry in reversed(_forwarded_entries(scope)):
            nearest = _read_entry(entry, trusted)
            if nearest is None or not nearest.is_trusted:
                break
    return UNKNOWN_ADDRESS if nearest is None else nearest.text


def is_trusted_address(text: str, trusted: tuple[str, ...]) -> bool:
    """Return whether ``text`` is an address of a trusted proxy."""
    address = _read_address(text, trusted)
    return address is not None and address.is_trusted


def _forwarded_entries(scope: Scope) -> list[str]:
    """Return the entries of all ``X-Forwarded-For`` lines in order, without empty ones."""
    lines = [
        line.decode("latin-1") for name, line in scope["headers"] if name == b"x-forwarded-for"
    ]
    entries = [entry.strip(" \t") for entry in ",".join(lines).split(",")]
    return [entry for entry in entries if entry]


def _read_entry(entry: str, trusted: tuple[str, ...]) -> _Address | None:
    """Return the address of a list entry, with or without port; ``None`` if it is none."""
    found = _ENTRY.fullmatch(entry)
    if found is None:
        return None
    if int(found["port"] or 0) > _PORT_MAX:
        return None
    text = found["bracketed"] or found["v4"] or found["v6"]
    return None if len(text) > _ADDRESS_CHARACTERS_MAX else _read_address(text, trusted)


@lru_cache(maxsize=4096)  # of one address come many requests
def _read_address(text: str, trusted: tuple[str, ...]) -> _Address | None:
    """Return the address, IPv4 for IPv4-mapped IPv6; ``None`` if ``text`` is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    plain = getattr(address, "ipv4_mapped", None) or address
    is_trusted = any(plain in network for network in _networks(trusted))
    return _Address(text=str(plain), is_trusted=is_trusted)


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text, strict=False) for text in trusted)
