"""A server in front of a gateway whose WebSocket sends many live positions to the web desk.

HTTP requests are passed on to the gateway, so that the page, its session and its reads are the
real ones. `/ws` is answered here: a snapshot of positions, then their marks at a fixed rate, in
frames of many as the gateway sends them.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from oms.api.websocket.event_subscription import MARKS_MAX
from oms.api.websocket.frames import push_frame

HEAD_BYTES_MAX = 65_536
#: Different prices of a position, one after the other.
VARIANTS = 10
SYMBOLS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LINK", "LTC", "DOT", "AVAX")
#: The price of every position in the last round: it is on the page once all before it are applied.
LAST_PRICE = "987654.25"
HEARTBEAT_SECONDS = 2.0
#: As the gateway: no compression. A page that is far behind answers pings late: none are sent.
_OPTIONS: Mapping[str, Any] = {"compression": None, "ping_interval": None}


@dataclass(slots=True, kw_only=True)
class PageServer:
    """Serves the page of the gateway at ``gateway_port`` with ``positions`` live ones."""

    gateway_port: int
    #: A row as the gateway sends it; the others are copies of it.
    example: Mapping[str, Any]
    positions: int
    base_url: str = ""
    #: Marks that were sent.
    sent: int = 0
    _rounds: list[bytes] = field(default_factory=list)
    _connection: ServerConnection | None = None
    _subscribed: asyncio.Event = field(default_factory=asyncio.Event)

    async def send_marks(self, per_second: int, seconds: float) -> float:
        """Send a mark of every position ``per_second`` times; return the rounds sent a second."""
        await self._subscribed.wait()
        rounds = self._rounds or [self._marks(number) for number in range(VARIANTS)]
        self._rounds = rounds
        started, count = time.monotonic(), 0
        while (elapsed := time.monotonic() - started) < seconds:
            await asyncio.sleep(max(0.0, count / per_second - elapsed))
            await self._write(rounds[count % VARIANTS])
            count += 1
        return count / (time.monotonic() - started)

    async def send_last(self) -> None:
        """Send ``LAST_PRICE`` for every position."""
        await self._write(self._marks(0, LAST_PRICE))

    async def _write(self, frames: bytes) -> None:
        assert self._connection is not None
        self._connection.transport.write(frames)
        self.sent += self.positions
        await self._connection.drain()

    def _marks(self, variant: int, price: str | None = None) -> bytes:
        """Return the marks of all positions, encoded."""
        base = Decimal(str(self.example["avg_price"]))
        marks = [self._mark(number, base, variant, price) for number in range(self.positions)]
        parts = [marks[start : start + MARKS_MAX] for start in range(0, len(marks), MARKS_MAX)]
        account_id = self.example["account_id"]
        return b"".join(
            _encode(push_frame("positions_marked", {"account_id": account_id, "marks": part}))
            for part in parts
        )

    def _mark(self, number: int, base: Decimal, variant: int, price: str | None) -> dict[str, Any]:
        step = (number * 7 + variant * 13) % 41 - 20
        return {
            "account_id": self.example["account_id"],
            "position_id": number + 1,
            "symbol": _symbol(number),
            "qty": self.example["qty"],
            "mark_price": price or str(base + Decimal(step) / 4),
            "mark_at": "2026-01-01T00:00:00.000Z",
            "market_value": str(base),
            "cost_basis": str(base),
            "unrealized_pnl": str(Decimal(step) * 3 / 8),
        }

    async def _serve_socket(self, connection: ServerConnection) -> None:
        """One connection of the page."""
        heartbeat = asyncio.create_task(self._send_heartbeats(connection))
        try:
            async for text in connection:
                request = json.loads(text)
                if request["action"] == "subscribe":
                    await self._subscribe(connection, request)
        except ConnectionClosed:
            pass  # the page was left
        finally:
            heartbeat.cancel()

    async def _subscribe(self, connection: ServerConnection, request: Mapping[str, Any]) -> None:
        reply = {"id": request["id"], "ok": True, "type": "ws_response", "namespace": "system"}
        await connection.send(json.dumps(reply | {"event": "subscribed", "payload": {}}))
        mine = self.example["account_id"]
        for account_id in request["payload"]["account_ids"]:
            rows = self._rows() if account_id == mine else []
            for event, items in (("snapshot_open_orders", []), ("snapshot_open_positions", rows)):
                payload = {"account_id": account_id, "items": items, "seq": 1}
                await connection.send(push_frame(event, payload, action="snapshot"))
        self._connection = connection
        self._subscribed.set()

    def _rows(self) -> Sequence[dict[str, Any]]:
        return [
            {**self.example, "id": number + 1, "symbol": _symbol(number)}
            for number in range(self.positions)
        ]

    async def _send_heartbeats(self, connection: ServerConnection) -> None:
        while True:
            await connection.send(push_frame("heartbeat", {"worker_age_ms": 0}))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def pass_on(
        self, socket_port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection of the browser: to the WebSocket here, or to the gateway."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        port = socket_port if b"upgrade: websocket" in head.lower() else self.gateway_port
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", port)
        target_writer.write(head)
        await asyncio.gather(_forward(reader, target_writer), _forward(target_reader, writer))


@asynccontextmanager
async def serve_page(server: PageServer) -> AsyncIterator[PageServer]:
    """Serve for the duration of the block; ``base_url`` is set."""
    async with serve(server._serve_socket, "127.0.0.1", 0, **_OPTIONS) as sockets:
        socket_port = next(iter(sockets.sockets)).getsockname()[1]
        listener = await asyncio.start_server(
            lambda reader, writer: server.pass_on(socket_port, reader, writer),
            "127.0.0.1",
            0,
            limit=HEAD_BYTES_MAX,
        )
        server.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        try:
            yield server
        finally:
            listener.close()


def _symbol(number: int) -> str:
    return f"{SYMBOLS[number % len(SYMBOLS)]}/USDT:USDT"


def _encode(text: str) -> bytes:
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(HEAD_BYTES_MAX):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the browser or the gateway has gone
    writer.close()
