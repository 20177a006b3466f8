"""The bounded queue of frames of one connection, with one writer that alone sends and closes.

A consumer that reads too slowly is closed with 4409 and the last sequence numbers it was sent;
nothing is dropped silently. Producers of replays and snapshots wait for room instead.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oms.api.websocket.frames import close_reason

SLOW_CONSUMER = 4409

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _QueuedFrame(NamedTuple):
    text: str
    weight: int
    account_id: int
    seq: int
    #: Key of a frame that newer ones replace; its text is in ``_newest``.
    subject: Hashable | None = None


@dataclass(slots=True, kw_only=True)
class SendBuffer:
    """Frames queued for one socket."""

    send: Send
    frames_max: int
    bytes_max: int
    #: Last sequence number sent, by account.
    sent: dict[int, int] = field(default_factory=dict)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _queue: deque[_QueuedFrame] = field(default_factory=deque)
    _newest: dict[Hashable, str] = field(default_factory=dict)
    _bytes: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _drained: asyncio.Event = field(default_factory=asyncio.Event)
    _close_frame: tuple[int, str] | None = None

    def put(self, text: str, account_id: int = 0, seq: int = 0, *, is_bulk: bool = False) -> None:
        """Queue ``text``; ``seq`` is recorded for the account once it is sent.

        ``is_bulk`` marks frames put after ``drain``: they do not count towards ``bytes_max``.
        """
        if self.closing.is_set():
            return
        weight = 0 if is_bulk else len(text)
        if len(self._queue) >= self.frames_max or self._bytes + weight > self.bytes_max:
            self.overflow()
            return
        self._bytes += weight
        self._queue.append(_QueuedFrame(text, weight, account_id, seq))
        self._changed.set()

    def put_newest(self, subject: Hashable, text: str) -> bool:
        """Queue ``text`` in place of the queued frame of the same ``subject``, if any.

        ``False``: there is no room for it.
        """
        if subject not in self._newest:
            if self.closing.is_set():
                return False
            if len(self._queue) >= self.frames_max or self._bytes + len(text) > self.bytes_max:
                return False  # the next update comes soon; these frames never close a connection
            self._queue.append(_QueuedFrame("", 0, 0, 0, subject))
        self._newest[subject] = text
        self._changed.set()
        return True

    def put_unless_waiting(self, subject: Hashable, text: str) -> bool:
        """Queue ``text`` unless a frame of the same ``subject`` is still queued.

        ``False``: one is, or there is no room.
        """
        return subject not in self._newest and self.put_newest(subject, text)

    def overflow(self) -> None:
        """Drop the queue and close: the consumer is too slow."""
        self._queue.clear()
        self._newest.clear()
        self._bytes = 0
        self.close(SLOW_CONSUMER)

    def close(self, code: int, reason: str = "") -> None:
        """Close once the queue is sent; later calls have no effect."""
        if self._close_frame is None:
            self._close_frame = (code, reason)
            self.closing.set()
            self._changed.set()
            self._drained.set()

    async def drain(self) -> None:
        """Wait until the queue is at most a quarter full or the connection is closing."""
        while not self.closing.is_set() and (
            len(self._queue) > self.frames_max // 4 or self._bytes > self.bytes_max // 4
        ):
            self._drained.clear()
            await self._drained.wait()

    async def run(self) -> None:
        """Send until closed. Raises the socket's exceptions if the peer is gone."""
        while True:
            while self._queue:
                queued = self._queue.popleft()
                self._bytes = max(self._bytes - queued.weight, 0)
                text = queued.text if queued.subject is None else self._newest.pop(queued.subject)
                await self.send({"type": "websocket.send", "text": text})
                if queued.seq:
                    self.sent[queued.account_id] = queued.seq
                self._drained.set()
            if self._close_frame is not None:
                code, reason = self._close_frame
                if code == SLOW_CONSUMER:
                    reason = close_reason(self.sent)
                await self.send({"type": "websocket.close", "code": code, "reason": reason})
                return
            self._changed.clear()
            await self._changed.wait()
