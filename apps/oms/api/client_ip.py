"""The client IP address of a request: the peer's, or the one a trusted proxy reports.

``X-Forwarded-For`` is used only if the peer is in the setting ``trusted_proxies``. The client is
the last hop that is not a trusted proxy; hops before it can be forged.
"""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.types import Scope


def client_ip(scope: Scope, headers: Mapping[str, str], trusted: tuple[str, ...]) -> str:
    """Return the address as text, empty if there is none."""
    client: tuple[str, int] | None = scope.get("client")
    address = client[0] if client else ""
    if not trusted or not _is_in(address, trusted):
        return address
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",")]
    for hop in reversed([hop for hop in hops if hop]):
        address = _without_port(hop)
        if not _is_in(address, trusted):
            break
    return address


def _is_in(address: str, trusted: tuple[str, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    unmapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(unmapped in network for network in _networks(trusted))


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text, strict=False) for text in trusted)


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
