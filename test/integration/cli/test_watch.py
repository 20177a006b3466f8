"""``oms watch`` against a WebSocket server of the test: connections that break, refusals."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from oms.cli.output import CommandFailed, render_text
from oms.cli.terminal.watch import Watch, build_books_view

ORDER: dict[str, Any] = {
    "id": 7,
    "account_id": 1,
    "symbol": "A/B",
    "side": "buy",
    "order_type": "limit",
    "qty": "2",
    "filled_qty": "0",
    "price": "50",
    "status": "SUBMITTED",
}


@asynccontextmanager
async def _watching(
    handler: Callable[[ServerConnection], Awaitable[None]], *, prints_json: bool = False
) -> AsyncIterator[tuple[Watch, "asyncio.Task[None]"]]:
    async with serve(handler, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        state = Watch(f"ws://127.0.0.1:{port}", "a-key", [1], prints_json=prints_json)
        following = asyncio.create_task(state.follow())
        try:
            yield state, following
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError, CommandFailed, BrokenPipeError):
                await following


async def test_a_broken_connection_continues_after_the_last_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("oms.cli.terminal.watch.RECONNECT_SECONDS", (0.01, 0.01))
    subscriptions: list[dict[str, Any]] = []
    snapshot = {"account_id": 1, "items": [ORDER], "seq": 5}
    second = ORDER | {"id": 8}

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None and socket.request.headers["x-api-key"] == "a-key"
        subscriptions.append(json.loads(await socket.recv())["payload"])
        if len(subscriptions) == 1:
            event = {"event": "snapshot_open_orders", "payload": snapshot}
            await socket.send(json.dumps(event))
            await socket.close(1012, "the server restarts")
            return
        event = {"event": "order_updated", "payload": second, "account_id": 1, "seq": 6}
        await socket.send(json.dumps(event))
        await socket.wait_closed()

    async with _watching(handler) as (state, _), asyncio.timeout(10):
        while len(state.book.orders) < 2:
            await state.changed.wait()
            state.changed.clear()
        text = render_text(build_books_view(state, 120))
    assert [each["from_seq"] for each in subscriptions] == [{}, {"1": 5}]
    assert state.book.last_seq == {"1": 6}
    assert text.startswith("live; Ctrl-C ends")
    assert "open orders: 2" in text and "positions: none" in text


@pytest.mark.parametrize(
    ("frame", "code", "said"),
    [
        (None, 4401, "ended the connection: session ended"),
        ({"code": "permission_denied", "message": "account_id=1"}, 1000, "permission_denied"),
    ],
)
async def test_a_refusal_ends_with_its_reason(
    frame: dict[str, Any] | None, code: int, said: str
) -> None:
    async def handler(socket: ServerConnection) -> None:
        await socket.recv()
        if frame is not None:
            await socket.send(json.dumps({"id": 1, "ok": False, "payload": frame}))
        await socket.close(code, "session ended")

    async with _watching(handler) as (_, following), asyncio.timeout(10):
        with pytest.raises(CommandFailed, match=said) as failed:
            await following
    assert failed.value.status == 3


async def test_a_closed_stdout_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    class ClosedPipe(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    async def handler(socket: ServerConnection) -> None:
        await socket.recv()
        event = {"event": "order_updated", "payload": ORDER, "account_id": 1, "seq": 6}
        await socket.send(json.dumps(event))
        await socket.wait_closed()

    monkeypatch.setattr("sys.stdout", ClosedPipe())
    async with _watching(handler, prints_json=True) as (_, following), asyncio.timeout(10):
        with pytest.raises(BrokenPipeError):
            await following


async def test_a_connection_resets_the_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts that fail double it, also those that fail with ``BrokenPipeError``."""
    lost, ended = ConnectionClosedError(None, None), CommandFailed("the test has ended")
    outcomes = [lost, OSError(), BrokenPipeError(), lost, ended]
    delays: list[float] = []

    async def connect(state: Watch) -> None:
        outcome = outcomes.pop(0)
        if outcome is lost:
            state.was_connected = state.is_connected = True
        raise outcome

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    monkeypatch.setattr(Watch, "_connect", connect)
    monkeypatch.setattr("oms.cli.terminal.watch.asyncio.sleep", sleep)
    with pytest.raises(CommandFailed, match="the test has ended"):
        await Watch("ws://gateway.test", "a-key", [1], prints_json=True).follow()
    assert delays == [0.5, 1.0, 2.0, 0.5]
