"""HTTP that no client library sends: ambiguous ends, broken syntax, control characters, sizes."""

import random

from kit.attack.raw_http import (
    SMUGGLED_BODY,
    RawRequest,
    exchange,
    mutated_requests,
    odd_requests,
    smuggling_requests,
)
from kit.attack.report import ProgramCounts
from kit.attack.target import AttackTarget

HEADERS = (
    *("Idempotency-Key", "X-Request-Id", "Authorization", "x-api-key", "Prefer", "If-Match"),
    *("If-None-Match", "X-Comment", "Content-Type", "Accept", "Accept-Encoding", "Origin"),
    *("Host", "X-Forwarded-For", "Cookie", "Range", "Expect", "Connection", "TE", "Forwarded"),
)
VALUES = (
    *(b"", b" ", b"\t", b"a" * 8000, b"\x01\x02\x7f", b"\xff\xfe\xc3\x28", "é💥".encode()),
    *(
        b'"',
        b"' OR 1=1 --",
        b"Bearer",
        b"Bearer ",
        b"Bearer \xff",
        b"Basic Og==",
        b"tok_",
        b"oms_x",
    ),
    *(b"wait=99999999999999999999", b"wait=-1", b"wait=nan", b"respond-async, wait=", b"*", b"0"),
    *(b"${jndi:ldap://127.0.0.1/a}", b"%0d%0aX: 1", b"a,b;c=d", b"bytes=0-,0-,0-", b"null"),
    *(
        b"text/xml",
        b"application/json; charset=utf-16",
        b"multipart/form-data",
        b"http://x",
        b"[::1",
    ),
)


def test_ambiguous_requests(target: AttackTarget, counts: ProgramCounts) -> None:
    for request in smuggling_requests():
        _probe(target, request, counts)


def test_odd_requests(target: AttackTarget, counts: ProgramCounts) -> None:
    for request in odd_requests():
        _probe(target, request, counts)


def test_mutated_requests(
    target: AttackTarget, counts: ProgramCounts, chosen: random.Random, size: int
) -> None:
    for request in mutated_requests(chosen, size // 10):
        _probe(target, request, counts)


def test_headers(
    target: AttackTarget, counts: ProgramCounts, chosen: random.Random, size: int
) -> None:
    key = target.trader_key.encode()
    body = b'{"account_id":1,"command":"cancel_order","payload":{"order_id":1099511627776}}'
    for number in range(size):
        picked = [
            (chosen.choice(HEADERS).encode(), chosen.choice(VALUES))
            for _ in range(chosen.randint(1, 4))
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in picked)
        head = chosen.choice(
            (
                b"GET /user/profile HTTP/1.1\r\nConnection: close\r\n",
                b"POST /oms/commands?wait_ms=0 HTTP/1.1\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n" % len(body),
            )
        )
        with_key = b"x-api-key: " + key + b"\r\n" if chosen.random() < 0.7 else b""
        data = head + with_key + b"Host: x\r\n" + lines + b"\r\n"
        data += body if head.startswith(b"POST") else b""
        answer = _probe(target, RawRequest(f"headers {number}: {picked}", (data,)), counts)
        counts.expect(b"\r\nX-Injected" not in answer, f"injected by {picked}")


def _probe(target: AttackTarget, request: RawRequest, counts: ProgramCounts) -> bytes:
    answer = exchange(target.gateway.port, request.parts)
    counts.probes += 1
    for status in answer.statuses:
        counts.count(status)
    if request.is_ambiguous:
        statuses = answer.statuses
        counts.expect(SMUGGLED_BODY not in answer.data, f"{request.name}: a request was smuggled")
        counts.expect(
            len(statuses) <= 1 and all(400 <= status < 500 for status in statuses),
            f"{request.name}: statuses {statuses}",
        )
    counts.expect(b"Traceback" not in answer.data, f"{request.name}: a traceback is shown")
    return answer.data
