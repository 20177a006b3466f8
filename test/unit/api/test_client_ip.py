"""Client IP addresses behind no, trusted and untrusted proxies."""

import pytest
from starlette.datastructures import Headers

from oms.api.client_ip import client_ip

TRUSTED = ("10.0.0.0/8", "::1")


def client_ip_of(client: str | None, *forwarded: str, trusted: tuple[str, ...] = TRUSTED) -> str:
    headers = [(b"x-forwarded-for", text.encode()) for text in forwarded]
    address = None if client is None else (client, 1)
    scope = {"type": "http", "headers": headers, "client": address}
    return client_ip(scope, Headers(scope=scope), trusted)


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.9:1234", "203.0.113.9"),
        ("::1", "[2001:db8::9]:1234", "2001:db8::9"),
        ("::1", "2001:db8::9", "2001:db8::9"),
        ("10.0.0.1", "nonsense", "nonsense"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " , ", "10.0.0.1"),
        (None, "203.0.113.9", ""),
    ],
)
def test_client_behind_proxies(client: str | None, forwarded: str, address: str) -> None:
    assert client_ip_of(client, forwarded) == address


def test_no_proxy_is_trusted_by_default() -> None:
    assert client_ip_of("10.0.0.1", "203.0.113.9", trusted=()) == "10.0.0.1"
