"""One connection over a socket whose sends can be blocked."""

import asyncio
import json
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from starlette.websockets import WebSocket

from kit.http.websocket_client import wait_for_condition
from oms.adapters.clock import SystemClock
from oms.api.context import ApiContext
from oms.api.metrics.worker_age import WorkerAge
from oms.api.websocket.account_snapshots import SnapshotLoader
from oms.api.websocket.backtest_progress import BacktestProgressFeed
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.frames import Frame, read_frame
from oms.api.websocket.market_feed import MarketFeed
from oms.api.websocket.position_marks import PositionMarks
from oms.api.websocket.server import KeyConnectionLimiter
from oms.api.websocket.session import (
    FRAMES_WITHOUT_YIELD_MAX,
    MALFORMED_IN_A_ROW_MAX,
    UNAUTHENTICATED_FRAMES_MAX,
    Session,
)
from oms.config import Settings
from oms.domain.access import Grant, Principal, Role
from oms.domain.errors import Unavailable
from oms.ports.history_reads import HistoryReads
from oms.ports.leases import Leases
from oms.ports.research.backtest_runs import BacktestStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SUBSCRIBE = json.dumps({"id": 1, "action": "subscribe", "payload": {"account_ids": [4]}})
TRADER = Principal(
    user_id=1, user_name="t", api_key_id=1, role=Role.TRADER, grants={4: Grant(can_read=True)}
)


class Line:
    """A client whose frames are available at once; frames to it wait for ``listens``."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)
        self.scope: dict[str, Any] = {}
        self.listens = asyncio.Event()
        self.sent: list[MutableMapping[str, Any]] = []

    async def receive(self) -> Mapping[str, Any]:
        if self._texts:
            return {"type": "websocket.receive", "text": self._texts.pop(0)}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.listens.wait()
        self.sent.append(message)


class Streams:
    """A history whose reads fail."""

    def __init__(self) -> None:
        self.asked = 0

    async def heads(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        self.asked += 1
        raise Unavailable("down")


def session(line: Line, streams: Streams) -> Session:
    async def authenticate(key: str | None, ip: str = "") -> Principal:
        return TRADER

    context = SimpleNamespace(
        settings=Settings(),
        history=streams,
        authenticate=authenticate,
        clock=SimpleNamespace(now=lambda: NOON),
        version="0",
    )
    return Session(
        socket=cast(WebSocket, line),
        context=cast(ApiContext, context),
        feed=cast(EventFeed, None),
        snapshots=cast(SnapshotLoader, None),
        connection_limiter=KeyConnectionLimiter(10, 1000),
        market_feed=cast(MarketFeed, None),
        marks=PositionMarks(
            history=cast(HistoryReads, streams), feed=cast(EventFeed, None), mark_prices=None
        ),
        progress=BacktestProgressFeed(store=cast(BacktestStore, None), clock=SystemClock()),
        worker_age=WorkerAge(cast(Leases, None)),
        ip="",
    )


async def test_frames_after_the_close_decision_are_ignored() -> None:
    nonsense = ["no json"] * MALFORMED_IN_A_ROW_MAX
    line, streams = Line([SUBSCRIBE, *nonsense, SUBSCRIBE]), Streams()
    running = asyncio.create_task(session(line, streams).run("key"))
    await wait_for_condition(lambda: streams.asked)
    line.listens.set()
    await running
    assert streams.asked == 1
    assert line.sent[-1]["code"] == 4400
    codes = [json.loads(message["text"])["payload"].get("code") for message in line.sent[:-1]]
    assert codes == [None, "database_unavailable", *["invalid_json"] * MALFORMED_IN_A_ROW_MAX]


def frames_of(line: Line) -> list[dict[str, Any]]:
    """The decoded frames sent to the client."""
    return [json.loads(message["text"]) for message in line.sent if "text" in message]


async def run_to_idle(line: Line, key: str | None) -> Session:
    """Run a session until all frames of ``line`` are processed; return it, still open."""
    line.listens.set()
    connection = session(line, Streams())
    running = asyncio.create_task(connection.run(key))
    await wait_for_condition(lambda: not line._texts or running.done())
    connection.close(1000)
    await running
    return connection


async def test_long_frames_are_not_parsed_before_authentication(monkeypatch: Any) -> None:
    long_frame = json.dumps({"id": 1, "action": "ping", "payload": {"a": "x" * 5000}})
    parsed: list[str | None] = []

    def note_and_read(text: str | None, request_id: str) -> Frame:
        parsed.append(text)
        return read_frame(text, request_id)

    monkeypatch.setattr("oms.api.websocket.session.read_frame", note_and_read)
    line = Line([long_frame, '{"id":2,"action":"ping"}'])
    await run_to_idle(line, None)
    assert parsed == ['{"id":2,"action":"ping"}']
    codes = [frame["payload"].get("code") for frame in frames_of(line) if not frame["ok"]]
    assert codes == ["not_authenticated"]
    line = Line([long_frame])
    await run_to_idle(line, "key")
    assert frames_of(line)[-1]["event"] == "pong"


async def test_number_of_frames_before_authentication() -> None:
    line = Line(['{"id":1,"action":"ping"}'] * (UNAUTHENTICATED_FRAMES_MAX + 1))
    line.listens.set()
    await session(line, Streams()).run(None)
    assert line.sent[-1]["code"] == 4401
    assert len([frame for frame in frames_of(line) if frame["event"] == "pong"]) == 100


async def test_frames_that_have_arrived_do_not_hold_the_loop() -> None:
    line = Line(['{"id":1,"action":"ping"}'] * 1000)
    connection = asyncio.create_task(run_to_idle(line, "key"))
    turns = 0
    while not connection.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1000 / FRAMES_WITHOUT_YIELD_MAX
