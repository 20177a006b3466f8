"""WebSocket frames: documented messages mutated, and frames that violate the protocol."""

import json
import random
import struct
from typing import Any

import pytest

from kit.attack.json_mutations import JsonMutator
from kit.attack.raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawWebSocket,
    frame,
)
from kit.attack.report import ProgramCounts
from kit.attack.target import FOREIGN, SYMBOL, AttackTarget

FRAME_BYTES_MAX = 1024 * 1024
#: Documented close codes that a client can cause; 0: the connection stays open.
CLOSE_CODES = frozenset({0, 1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 4400, 4401, 4429})


def test_mutated_messages(
    target: AttackTarget, counts: ProgramCounts, chosen: random.Random, size: int
) -> None:
    mutator, messages = JsonMutator(chosen), _messages(target)
    socket = RawWebSocket(target.gateway.port, target.trader_key)
    for number in range(size):
        data = mutator.mutated_text(chosen.choice(messages))
        is_open = socket.send(_fragmented(chosen, data))
        last = {"id": f"probe {number}", "action": "ping"}
        is_open = is_open and socket.send(frame(TEXT, json.dumps(last).encode()))
        code = _read_replies(socket, str(last["id"]), counts, data)
        counts.probes += 1
        is_expected = code in CLOSE_CODES or (code is None and not is_open)
        counts.expect(is_expected, f"closed with {code}: {data[:300]!r}")
        if code != 0:
            socket.close()
            socket = RawWebSocket(target.gateway.port, target.trader_key)
    socket.close()


def test_invalid_frames(target: AttackTarget, counts: ProgramCounts) -> None:
    """Frames by the code with which the connection is closed; 0: it stays open."""
    ping = b'{"action":"ping"}'
    cases: dict[int, dict[str, bytes]] = {
        0: {
            "binary": frame(BINARY, b"\x00\xff"),
            "empty text": frame(TEXT, b""),
            "message without an end": frame(TEXT, b"{", is_last=False),
            "ten thousand fragments": frame(TEXT, b"", is_last=False)
            + frame(CONTINUATION, b" ", is_last=False) * 10_000
            + frame(CONTINUATION, ping),
            "thousand pings": frame(PING, b"") * 1000,
            "unsolicited pong": frame(PONG, b"x"),
            "not minimal length": b"\x81\xfe\x00\x02" + bytes(4) + b"{}",
            "nothing": b"",
        },
        1002: {
            "text without a mask": frame(TEXT, ping, is_masked=False),
            "reserved bits": frame(TEXT, ping, reserved=7),
            "reserved opcode": frame(5, ping),
            "reserved control opcode": frame(13, ping),
            "continuation of nothing": frame(CONTINUATION, ping),
            "text inside of a message": frame(TEXT, b"{", is_last=False) + frame(TEXT, b"}"),
            "fragmented ping": frame(PING, b"", is_last=False),
            "long ping": frame(PING, b"x" * 126),
            "close with half a code": frame(CLOSE, b"\x03"),
            "close with an invalid code": frame(CLOSE, struct.pack("!H", 1005)),
            "HTTP": b"GET /livez HTTP/1.1\r\n\r\n",
        },
        1005: {
            "close without a code": frame(CLOSE, b""),
        },
        1007: {
            "text that is not UTF-8": frame(TEXT, b"\xff\xfe"),
            "surrogates": frame(TEXT, b"\xed\xa0\x80"),
            "close with invalid text": frame(CLOSE, struct.pack("!H", 1000) + b"\xff"),
        },
        1009: {
            "too large": frame(TEXT, b" " * (FRAME_BYTES_MAX + 1)),
            "too large in fragments": frame(TEXT, b" " * FRAME_BYTES_MAX, is_last=False)
            + frame(CONTINUATION, b" "),
            "length of 2^63": b"\x81\xff" + struct.pack("!Q", 2**63) + bytes(4),
            "length of 2^62": b"\x81\xff" + struct.pack("!Q", 2**62) + bytes(4),
        },
    }
    for expected, named in cases.items():
        for name, data in named.items():
            with RawWebSocket(target.gateway.port, target.trader_key) as socket:
                socket.send(data)
                # A ping that is read together with an invalid frame is answered before the close.
                code = socket.close_code(pings=expected == 0)
            # Of a large frame the rest is not read: the system may reset the connection.
            is_reset = code is None and expected == 1009
            counts.probes += 1
            counts.requests += 1
            counts.expect(code == expected or is_reset, f"{name}: closed with {code}")


def test_random_bytes(
    target: AttackTarget, counts: ProgramCounts, chosen: random.Random, size: int
) -> None:
    for number in range(size // 10):
        with RawWebSocket(target.gateway.port, chosen.choice((None, target.trader_key))) as socket:
            for _ in range(chosen.randint(1, 5)):
                socket.send(chosen.randbytes(chosen.randint(1, 300)))
            # An unfinished random frame swallows a ping: a close needs enough bytes to end it.
            socket.send(frame(CLOSE, struct.pack("!H", 1000)))
            socket.finish()
            code = socket.close_code(pings=False)
        counts.probes += 1
        counts.requests += 1
        counts.expect(code in CLOSE_CODES or code is None, f"{number}: closed with {code}")


def test_many_malformed_frames_end_the_connection(
    target: AttackTarget, counts: ProgramCounts
) -> None:
    with RawWebSocket(target.gateway.port, target.trader_key) as socket:
        socket.send(frame(TEXT, b"{") * 10)
        code = socket.close_code(pings=False)
    counts.probes += 1
    counts.requests += 10
    counts.expect(code == 4400, f"closed with {code}")


@pytest.mark.parametrize("key", [None, "oms_unknown"])
def test_without_a_credential(target: AttackTarget, counts: ProgramCounts, key: str | None) -> None:
    messages = [m for m in _messages(target) if m["action"] not in ("ping", "auth")]
    with RawWebSocket(target.gateway.port, key) as socket:
        for message in (*messages, {"id": "last", "action": "ping"}):
            socket.send(frame(TEXT, json.dumps(message).encode()))
        replies: list[dict[str, Any]] = []
        while (received := socket.receive()) is not None and received[0] == TEXT:
            replies.append(json.loads(received[1]))
            if replies[-1]["id"] == "last":
                break
    counts.probes += 1
    counts.requests += len(messages)
    codes = [reply["payload"].get("code") for reply in replies if reply["type"] == "ws_response"]
    if key is None:
        expected = [*["not_authenticated"] * len(messages), None]
        counts.expect(codes == expected, f"codes {codes}")
    else:
        # Frames behind the refusal are not read: the system may reset the connection.
        code = None if received is None else int.from_bytes(received[1][:2], "big")
        counts.expect(code in (1008, None) and not replies, f"{code}, {replies}")


def _messages(target: AttackTarget) -> list[dict[str, Any]]:
    """One message of every documented action."""
    own, order = target.own.account_id, {"symbol": SYMBOL, "side": "buy", "order_type": "market"}
    command = {"account_id": own, "command": "send_order", "payload": order | {"qty": "0.01"}}
    cancel = {"command": "cancel_order", "payload": {"order_id": target.own.order_id}}
    market = {"account_id": own, "symbol": SYMBOL, "channels": ["ticker"]}
    deadman = {"account_ids": [own], "timeout_seconds": 3600, "action": "cancel_entries"}
    subscribe = {"account_ids": [own], "namespaces": ["position"], "from_seq": {str(own): 1}}
    listed: list[tuple[str, str, dict[str, Any]]] = [
        ("system", "ping", {}),
        ("system", "auth", {"api_key": target.trader_key}),
        ("system", "subscribe", {"account_ids": [own], "heartbeat_ms": 60_000}),
        ("system", "subscribe", subscribe),
        ("system", "unsubscribe", {"account_ids": [own]}),
        ("position", "command", command | {"wait_ms": 0}),
        ("position", "command", cancel | {"wait_ms": 0}),
        ("ccxt", "call", {"account_id": own, "func": "fetch_ticker", "args": [SYMBOL]}),
        ("risk", "arm_deadman", deadman),
        ("ccxt", "subscribe_market", market | {"poll_interval_ms": 10_000}),
        ("ccxt", "unsubscribe_market", market),
    ]
    return [
        {"id": number, "namespace": namespace, "action": action, "payload": payload}
        for number, (namespace, action, payload) in enumerate(listed)
    ]


def _code(payload: dict[str, Any]) -> str:
    """The error code of a reply, or of the result of its command."""
    return str(payload.get("error", payload)["code"])


def _fragmented(chosen: random.Random, data: bytes) -> bytes:
    """The message in one frame, or in two to four."""
    cuts = sorted(chosen.randrange(len(data) + 1) for _ in range(chosen.choice((0, 0, 1, 3))))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return b"".join(
        frame(TEXT if index == 0 else CONTINUATION, part, is_last=index == len(parts) - 1)
        for index, part in enumerate(parts)
    )


def _read_replies(
    socket: RawWebSocket, last: str, counts: ProgramCounts, data: bytes
) -> int | None:
    """Read until the reply to the last message (0) or the close; returns its code."""
    while (received := socket.receive()) is not None:
        opcode, payload = received
        if opcode == CLOSE:
            return int.from_bytes(payload[:2], "big")
        if opcode != TEXT:
            continue
        text = payload.decode("utf-8")
        reply = json.loads(text)
        code = None if reply["ok"] else _code(reply["payload"])
        if reply["type"] == "ws_response":
            counts.requests += 1
            counts.expect(code != "internal_error", f"internal_error: {data[:300]!r}")
            if code is not None:
                counts.statuses[400] += 1
        if reply["type"] == "ws_event":
            counts.expect(FOREIGN not in text, f"an event shows {FOREIGN}")
        if reply["id"] == last:
            return 0
    return None
