"""From where a request comes: the peer's address, or what a trusted proxy says of it.

``X-Forwarded-For`` counts only behind peers that the setting ``trusted_proxies`` lists; of its hops
the last one that is not trusted is the client. Anybody may write what stands before it.
"""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.types import Scope


def client_ip(scope: Scope, headers: Mapping[str, str], trusted: tuple[str, ...]) -> str:
    """The address as text, empty where there is none."""
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
        number = ip_address(address)
    except ValueError:
        return False
    plain = getattr(number, "ipv4_mapped", None) or number
    return any(plain in network for network in _networks(trusted))


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text, strict=False) for text in trusted)


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
