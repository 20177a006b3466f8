"""Client IP addresses behind no, trusted and untrusted proxies."""

import pytest

from oms.api.client_ip import UNKNOWN_ADDRESS, client_ip

TRUSTED = ("10.0.0.0/8", "::1", "2001:db8:ffff::/48")
CLIENT = "203.0.113.9"
PROXY = "10.0.0.1"


def client_ip_of(client: str | None, *lines: str, trusted: tuple[str, ...] = TRUSTED) -> str:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in lines]
    address = None if client is None else (client, 1)
    return client_ip({"type": "http", "headers": headers, "client": address}, trusted)


@pytest.mark.parametrize(
    ("client", "lines", "address"),
    [
        pytest.param("192.0.2.1", [CLIENT], "192.0.2.1", id="an untrusted peer"),
        pytest.param(PROXY, [], PROXY, id="a proxy without the header"),
        pytest.param(PROXY, [CLIENT], CLIENT, id="one proxy"),
        pytest.param(PROXY, [f"198.51.100.1, {CLIENT}, 10.0.0.2"], CLIENT, id="two proxies"),
        pytest.param(PROXY, ["10.0.0.3, 10.0.0.2"], "10.0.0.3", id="trusted addresses only"),
        pytest.param(None, [CLIENT], "", id="a connection without an address"),
        pytest.param("nonsense", [CLIENT], UNKNOWN_ADDRESS, id="a peer that is no address"),
    ],
)
def test_the_client_is_the_last_address_that_is_not_trusted(
    client: str | None, lines: list[str], address: str
) -> None:
    assert client_ip_of(client, *lines) == address


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["127.0.0.1", CLIENT], CLIENT),
        (["127.0.0.1", "198.51.100.1", CLIENT], CLIENT),
        (["127.0.0.1", f"{CLIENT}, 10.0.0.2"], CLIENT),
        (["127.0.0.1", CLIENT, "10.0.0.3", "10.0.0.2"], CLIENT),
        ([CLIENT, "10.0.0.2"], CLIENT),
        (["127.0.0.1", "", CLIENT], CLIENT),
        ([CLIENT, ""], CLIENT),
        (["nonsense", CLIENT], CLIENT),
        ([CLIENT, "nonsense"], UNKNOWN_ADDRESS),
    ],
)
def test_several_lines_are_one_list_in_order(lines: list[str], address: str) -> None:
    assert client_ip_of(PROXY, *lines) == address


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        (f"{CLIENT}:1234", CLIENT),
        ("2001:db8::9", "2001:db8::9"),
        ("2001:0DB8:0:0::9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:1234", "2001:db8::9"),
        (f"::ffff:{CLIENT}", CLIENT),
        ("::ffff:cb00:7109", CLIENT),
        (f"[::ffff:{CLIENT}]:1234", CLIENT),
        (f"\t{CLIENT} ", CLIENT),
        (" , ", PROXY),
        (f"{CLIENT},,", CLIENT),
        (f"127.0.0.1, {CLIENT}, [2001:db8:ffff::2]:443, ::ffff:10.0.0.2", CLIENT),
    ],
)
def test_forms_of_an_address(entry: str, address: str) -> None:
    assert client_ip_of(PROXY, entry) == address


@pytest.mark.parametrize(
    "entry",
    [
        *("unknown", "_hidden", "_SEVKISEK", "localhost", "example.com", "nonsense"),
        *("203.0.113", "203.0.113.9.1", "203.0.113.256", "203.0.113.09", "3405803785", "0x7f.1"),
        *(f"{CLIENT}:", f"{CLIENT}:http", f"{CLIENT}:65536", f"{CLIENT}:1:2", f"{CLIENT}/32"),
        *("[203.0.113.9]", "[2001:db8::9", "2001:db8::9]", "[2001:db8::9]x", "[]", "[::1]:99999"),
        *(
            "fe80::1%eth0",
            "[fe80::1%eth0]",
            "1::2::3",
            ":",
            ".",
            '"203.0.113.9"',
            "for=203.0.113.9",
        ),
        *("203.0.113.9 10.0.0.2", "203.0.113.9\x00", "203.0.113.\xb9", "203.0.113.9;10.0.0.2"),
    ],
)
def test_an_entry_that_is_no_address_ends_the_list(entry: str) -> None:
    for line in (entry, f"127.0.0.1, {entry}", f"127.0.0.1, {entry}, 10.0.0.2"):
        assert client_ip_of(PROXY, line) == UNKNOWN_ADDRESS


def test_the_address_of_the_peer_is_canonical() -> None:
    assert client_ip_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert client_ip_of("::ffff:10.0.0.1", CLIENT) == CLIENT
    assert client_ip_of("2001:0DB8:0:0::9") == "2001:db8::9"


def test_no_proxy_is_trusted_by_default() -> None:
    assert client_ip_of(PROXY, CLIENT, trusted=()) == PROXY


@pytest.mark.parametrize("name", [b"forwarded", b"x-real-ip", b"client-ip", b"cf-connecting-ip"])
def test_other_headers_are_not_read(name: bytes) -> None:
    text = b"for=203.0.113.9" if name == b"forwarded" else CLIENT.encode()
    scope = {"type": "http", "headers": [(name, text)], "client": (PROXY, 1)}
    assert client_ip(scope, TRUSTED) == PROXY
