"""One connection over a socket whose sends can be blocked."""

import asyncio
import json
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from starlette.websockets import WebSocket

from kit.http.websocket_client import wait_for_condition
from oms.api.context import ApiContext
from oms.api.websocket.account_snapshots import SnapshotLoader
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.market_feed import MarketFeed
from oms.api.websocket.server import KeyConnectionLimiter
from oms.api.websocket.session import MALFORMED_IN_A_ROW_MAX, Session
from oms.config import Settings
from oms.domain.access import Grant, Principal, Role
from oms.domain.errors import Unavailable

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SUBSCRIBE = json.dumps({"id": 1, "action": "subscribe", "payload": {"account_ids": [4]}})
TRADER = Principal(
    user_id=1, user_name="t", api_key_id=1, role=Role.TRADER, grants={4: Grant(can_read=True)}
)


class Line:
    """A client whose frames are available at once; frames to it wait for ``listens``."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)
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
