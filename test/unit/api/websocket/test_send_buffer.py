"""The send buffer: bounded, in order, closes with the last sent numbers."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from kit.http.websocket_client import wait_for_condition
from oms.api.websocket.send_buffer import SendBuffer

Message = MutableMapping[str, Any]


class Wire:
    """A socket whose sends can be blocked."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.flows = asyncio.Event()
        self.flows.set()

    async def __call__(self, message: Message) -> None:
        await self.flows.wait()
        self.sent.append(message)


def outbox(wire: Wire, frames_max: int = 10, bytes_max: int = 1000) -> SendBuffer:
    return SendBuffer(send=wire, frames_max=frames_max, bytes_max=bytes_max)


async def test_queue_is_sent_before_the_close() -> None:
    wire = Wire()
    box = outbox(wire)
    box.put("a", 1, 5)
    box.put("b")
    box.close(4401, "why")
    box.close(1011)
    box.put("too late")
    await box.run()
    assert [m.get("text") for m in wire.sent] == ["a", "b", None]
    assert wire.sent[-1] == {"type": "websocket.close", "code": 4401, "reason": "why"}


async def test_too_many_frames_close_with_the_last_number_that_was_sent() -> None:
    wire = Wire()
    box = outbox(wire)
    writing = asyncio.create_task(box.run())
    box.put("first", 7, 1)
    await wait_for_condition(lambda: wire.sent)
    wire.flows.clear()
    for seq in range(2, 14):
        box.put("more", 7, seq)
    assert box.closing.is_set()
    wire.flows.set()
    await writing
    close = wire.sent[-1]
    assert close["code"] == 4409
    assert close["reason"] == f"last_seq=7:{len(wire.sent) - 1}"


async def test_too_many_bytes_close_except_bulk() -> None:
    box = outbox(Wire(), bytes_max=100)
    box.put("x" * 1000, is_bulk=True)
    box.put("x" * 60)
    assert not box.closing.is_set()
    box.put("x" * 60)
    assert box.closing.is_set()


async def test_drain_waits_for_room() -> None:
    wire = Wire()
    wire.flows.clear()
    box = outbox(wire)
    for _ in range(8):
        box.put("x")
    easing, writing = asyncio.create_task(box.drain()), asyncio.create_task(box.run())
    await asyncio.sleep(0)
    assert not easing.done()
    wire.flows.set()
    await easing
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
