"""Open-loop latency: commands are sent at a fixed rate, independent of the responses.

Three delays, all from the time when the request is due: the acknowledgement (`wait_ms=0`, every
other command), the response after the default wait (the others), and the FILLED event on the
WebSocket (all). A request never waits for an earlier one: if all connections are busy it opens
another.
"""

import asyncio
import contextlib
import gc
import json
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import websockets.asyncio.client as websocket
from websockets.exceptions import WebSocketException

from bench.load import Target
from bench.processes import BenchError

ANSWER_GRACE_SECONDS = 12.0
EVENT_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Milliseconds, unsorted. `missing` counts commands without an event or response."""

    answered: Sequence[float]
    acknowledged: Sequence[float]
    filled: Sequence[float]
    missing: int
    sent: int
    errors: Sequence[str]


@dataclass(slots=True)
class _Record:
    expected: int
    all_filled: asyncio.Event = field(default_factory=asyncio.Event)
    due: dict[str, float] = field(default_factory=dict)
    answered: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    filled: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the nearest-rank percentile; 0 for no values."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def measure(
    target: Target, *, rate: int, seconds: float, prefix: str, is_naive: bool = False
) -> Latencies:
    """Sends `rate` commands per second for `seconds`; the naive system has no events or waits."""
    gc.collect()
    gc.disable()
    try:
        return asyncio.run(_measure(target, rate, seconds, prefix, is_naive))
    finally:
        gc.enable()


async def _measure(
    target: Target, rate: int, seconds: float, prefix: str, is_naive: bool
) -> Latencies:
    count = round(rate * seconds)
    record = _Record(expected=count)
    pool = _Pool(target.base_url)
    async with contextlib.AsyncExitStack() as stack:
        if not is_naive:
            listener = await stack.enter_async_context(subscribed(target))
            listening = asyncio.create_task(_listen(listener, record), name="listener")
            stack.callback(listening.cancel)
        sends = []
        started = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            request = _request(target, prefix, number, is_naive)
            sends.append(asyncio.create_task(_send(pool, request, record)))
        await asyncio.wait(sends, timeout=ANSWER_GRACE_SECONDS)
        if not is_naive:
            with contextlib.suppress(TimeoutError):  # counted as `missing`
                await asyncio.wait_for(record.all_filled.wait(), EVENT_GRACE_SECONDS)
        pool.close()
    responses = len(record.answered) + len(record.acknowledged)
    return Latencies(
        answered=record.answered,
        acknowledged=record.acknowledged,
        filled=[at - record.due[key] for key, at in record.filled.items()],
        missing=count - (responses if is_naive else min(responses, len(record.filled))),
        sent=count,
        errors=record.errors,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    client_order_id: str
    content: bytes
    acknowledged: bool


def _request(target: Target, prefix: str, number: int, is_naive: bool) -> _Request:
    turn, account = divmod(number, len(target.accounts))
    client_order_id = f"{prefix}-{number}"
    body = json.dumps(
        {
            "account_id": target.accounts[account],
            "request_id": client_order_id,
            "command": "send_order",
            "payload": {
                "symbol": target.symbol,
                "side": "sell" if turn % 2 else "buy",
                "order_type": "market",
                "qty": target.qty,
                "client_order_id": client_order_id,
            },
        }
    ).encode()
    acknowledged = not is_naive and number % 2 == 1
    head = (
        f"POST /oms/commands{'?wait_ms=0' if acknowledged else ''} HTTP/1.1\r\n"
        f"Host: {urlsplit(target.base_url).netloc}\r\nx-api-key: {target.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return _Request(
        client_order_id=client_order_id, content=head.encode() + body, acknowledged=acknowledged
    )


async def _send(pool: "_Pool", request: _Request, record: _Record) -> None:
    due = record.due[request.client_order_id] = time.perf_counter() * 1_000
    try:
        status, text = await pool.exchange(request.content)
    except (OSError, asyncio.IncompleteReadError) as error:
        record.errors.append(repr(error))
        return
    elapsed = time.perf_counter() * 1_000 - due
    if status not in (200, 202):
        record.errors.append(f"{status} {text[:300].decode(errors='replace')}")
    elif request.acknowledged:
        record.acknowledged.append(elapsed)
    else:
        record.answered.append(elapsed)


class _Pool:
    """Keep-alive connections to one server, as many as needed, the last used one first."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._address = (parts.hostname, parts.port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def exchange(self, content: bytes) -> tuple[int, bytes]:
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            reader, writer = await asyncio.open_connection(*self._address)
        writer.write(content)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(content_length(head))
        self._idle.append((reader, writer))
        return int(head.split(b" ", 2)[1]), body

    def close(self) -> None:
        for _reader, writer in self._idle:
            writer.close()


def content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


@contextlib.asynccontextmanager
async def subscribed(target: Target) -> AsyncIterator[websocket.ClientConnection]:
    """Yields a WebSocket that is subscribed to the accounts of the load."""
    url = f"ws://{urlsplit(target.base_url).netloc}/ws"
    payload: Mapping[str, object] = {
        "account_ids": list(target.accounts),
        "namespaces": ["position"],
        "with_snapshot": False,
        "refresh": False,
    }
    connecting = websocket.connect(
        url, additional_headers={"x-api-key": target.api_key}, max_size=None, max_queue=None
    )
    async with _with_bench_error(connecting) as connection:
        for action, content in (("auth", {"api_key": target.api_key}), ("subscribe", payload)):
            frame = {"id": action, "namespace": "system", "action": action, "payload": content}
            await connection.send(json.dumps(frame))
            reply = await _reply(connection, action)
            if not reply.get("ok"):
                raise BenchError(f"the WebSocket refused {action}: {reply}")
        yield connection


@contextlib.asynccontextmanager
async def _with_bench_error(
    connecting: websocket.connect,
) -> AsyncIterator[websocket.ClientConnection]:
    try:
        async with connecting as connection:
            yield connection
    except WebSocketException as error:
        raise BenchError(f"the WebSocket failed: {error!r}") from error


async def _reply(connection: websocket.ClientConnection, frame_id: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            frame: dict[str, Any] = json.loads(await connection.recv())
            if frame.get("id") == frame_id:
                return frame


async def _listen(connection: websocket.ClientConnection, record: _Record) -> None:
    async for text in connection:
        # A cheap text search first: five of six frames are other events.
        if '"order_updated"' not in text or '"FILLED"' not in text:
            continue
        at = time.perf_counter() * 1_000
        frame = json.loads(text)
        row = frame["payload"]
        if frame["event"] != "order_updated" or row["status"] != "FILLED":
            continue
        if row["client_order_id"] in record.due:
            record.filled.setdefault(row["client_order_id"], at)
        if len(record.filled) == record.expected:
            record.all_filled.set()
