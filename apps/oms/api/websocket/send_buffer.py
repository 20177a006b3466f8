"""What waits for one listener: a bounded queue with one writer, who alone sends and closes.

Who does not read fast enough is closed with 4409 and told how far he was served; nothing is ever
dropped silently. Frames that were made for him alone (replay, snapshots) wait for room instead.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oms.api.websocket.frames import close_reason

SLOW_CONSUMER = 4409

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Waiting(NamedTuple):
    text: str
    weight: int
    account_id: int
    seq: int
    #: What the frame is the newest of; its text stands aside.
    subject: Hashable | None = None


@dataclass(slots=True, kw_only=True)
class SendBuffer:
    """Frames on their way to one socket."""

    send: Send
    frames_max: int
    bytes_max: int
    #: The last number of each account that was handed to the network.
    sent: dict[int, int] = field(default_factory=dict)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    _queue: deque[_Waiting] = field(default_factory=deque)
    _newest: dict[Hashable, str] = field(default_factory=dict)
    _bytes: int = 0
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)
    _eased: asyncio.Event = field(default_factory=asyncio.Event)
    _close: tuple[int, str] | None = None

    def put(self, text: str, account_id: int = 0, seq: int = 0, *, is_bulk: bool = False) -> None:
        """Send ``text`` after all before it; ``seq`` is noted for the account once it is sent.

        Bulk is what was put after ``eased``: it has no weight.
        """
        if self.closing.is_set():
            return
        weight = 0 if is_bulk else len(text)
        if len(self._queue) >= self.frames_max or self._bytes + weight > self.bytes_max:
            self.overflow()
            return
        self._bytes += weight
        self._queue.append(_Waiting(text, weight, account_id, seq))
        self._stirred.set()

    def put_newest(self, subject: Hashable, text: str) -> None:
        """Send ``text``, in the place of what was put of ``subject`` and still waits."""
        if subject not in self._newest:
            if self.closing.is_set():
                return
            if len(self._queue) >= self.frames_max or self._bytes + len(text) > self.bytes_max:
                return  # the next one comes soon; what is not stored never ends a connection
            self._queue.append(_Waiting("", 0, 0, 0, subject))
        self._newest[subject] = text
        self._stirred.set()

    def overflow(self) -> None:
        """He is too slow: drop what waits and close."""
        self._queue.clear()
        self._newest.clear()
        self._bytes = 0
        self.close(SLOW_CONSUMER)

    def close(self, code: int, reason: str = "") -> None:
        """Close after what waits was sent; the first call counts."""
        if self._close is None:
            self._close = (code, reason)
            self.closing.set()
            self._stirred.set()
            self._eased.set()

    async def drain(self) -> None:
        """Return when little waits, or the end has come."""
        while not self.closing.is_set() and (
            len(self._queue) > self.frames_max // 4 or self._bytes > self.bytes_max // 4
        ):
            self._eased.clear()
            await self._eased.wait()

    async def run(self) -> None:
        """Send until closed. Raises what the socket raises when the other side is gone."""
        while True:
            while self._queue:
                one = self._queue.popleft()
                self._bytes = max(self._bytes - one.weight, 0)
                text = one.text if one.subject is None else self._newest.pop(one.subject)
                await self.send({"type": "websocket.send", "text": text})
                if one.seq:
                    self.sent[one.account_id] = one.seq
                self._eased.set()
            if self._close is not None:
                code, reason = self._close
                if code == SLOW_CONSUMER:
                    reason = close_reason(self.sent)
                await self.send({"type": "websocket.close", "code": code, "reason": reason})
                return
            self._stirred.clear()
            await self._stirred.wait()
