"""The HTTP/1.1 core without I/O: encoding of requests, parsing of responses in any chunking."""

import pytest

from ccxt_driver.sansio.http1 import (
    HttpRequest,
    HttpResponse,
    ResponseParser,
    encode_request,
    parse_base_url,
)

ADDRESS = parse_base_url("http://user:secret@gateway:8000/prefix")
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
#: Bytes received, the body, and whether the connection may be reused.
RESPONSES = [
    (HEAD + b"Content-Length: 2\r\n\r\n{}", b"{}", True),
    (HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}", b"{}", False),
    (CHUNKED + b"1;x=y\r\n{\r\n1\r\n}\r\n0\r\nA: b\r\n\r\n", b"{}", True),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\n1", b"1", True),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", False),
]


def parse(data: bytes, size: int) -> HttpResponse | None:
    """Feeds the data in pieces of ``size`` bytes."""
    parser = ResponseParser()
    for start in range(0, len(data), size):
        response = parser.feed(data[start : start + size])
        if response is not None:
            return response
    return None


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(("data", "body", "is_reusable"), RESPONSES)
def test_a_response_is_complete_with_its_last_byte(
    data: bytes, body: bytes, is_reusable: bool, size: int
) -> None:
    response = parse(data, size)
    assert response is not None
    assert (response.body, response.keeps_connection) == (body, is_reusable)
    assert parse(data[:-1], size) is None


def test_header_names_are_in_lower_case() -> None:
    response = parse(HEAD + b"Retry-After: 3\r\nContent-Length: 0\r\n\r\n", 100)
    assert response is not None
    assert (response.status, response.headers["retry-after"]) == (200, "3")


def test_a_body_without_length_ends_with_the_connection() -> None:
    parser = ResponseParser()
    assert parser.feed(HEAD + b"\r\nab") is None
    assert parser.feed(b"c") is None
    response = parser.feed(b"")
    assert response is not None
    assert (response.body, response.keeps_connection) == (b"abc", False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"what?\r\n\r\n",
        HEAD + b"Content-Length: 9\r\n\r\n{}",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nz\r\n",
        HEAD + b"X: " + b"y" * 70_000,
    ],
)
def test_an_incomplete_or_invalid_response_is_a_connection_error(data: bytes) -> None:
    parser = ResponseParser()
    with pytest.raises(ConnectionError, match="invalid HTTP response"):
        for part in (data, b""):
            parser.feed(part)


def test_an_encoded_request() -> None:
    request = HttpRequest(method="POST", target="/a?b=c", headers={"x-api-key": "k"}, body=b"{}")
    assert encode_request(request, ADDRESS) == (
        b"POST /a?b=c HTTP/1.1\r\nhost: gateway:8000\r\nx-api-key: k\r\ncontent-length: 2\r\n\r\n{}"
    )
    read = HttpRequest(method="GET", target="/", headers={})
    assert encode_request(read, ADDRESS) == b"GET / HTTP/1.1\r\nhost: gateway:8000\r\n\r\n"


def test_a_line_break_in_the_head_is_refused() -> None:
    request = HttpRequest(method="GET", target="/", headers={"x": "a\r\nb: c"})
    with pytest.raises(ValueError, match="line break"):
        encode_request(request, ADDRESS)
