"""Market data by WebSocket: whatever is watched is asked for once, however many watch.

The account's worker answers, as it does any read; what changed since the last answer is pushed.
Nothing is stored and nothing repeated: who is slow gets the newest and misses what lay between.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from oms.api.sockets.frames import push
from oms.api.supervise import kept_running
from oms.domain.access import Principal
from oms.domain.command import CommandStatus
from oms.domain.errors import OmsError, Refused
from oms.ports.clock import Clock
from oms.services.submit import Ask, Submit
from oms.services.waiting import Waiting
from oms.wire.json import dumps_plain
from oms.wire.market_wish import Channel
from oms.wire.results import load_result
from oms.wire.wishes import Wish

ANSWER_SECONDS = 10.0
PAUSE_SECONDS_MIN = 0.05

logger = logging.getLogger(__name__)


class Watcher(Protocol):
    """One who watches channels."""

    @property
    def who(self) -> Callable[[], Awaitable[Principal]]:
        """Tells who it is now. Raises ``OmsError``."""
        ...

    def seen(self, channel: Channel, text: str) -> None:
        """A frame about the channel; it may not fail or wait."""
        ...


class MarketParts(Protocol):
    """What is needed of the application."""

    @property
    def submit(self) -> Submit: ...
    @property
    def waiting(self) -> Waiting: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(slots=True, eq=False)
class _Watch:
    """One channel that somebody watches, and how often each wants it."""

    channel: Channel
    watchers: dict[Watcher, float] = field(default_factory=dict)
    last: str | None = None
    frame: str = ""
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True, kw_only=True)
class Markets:
    """All channels that are watched in this process."""

    parts: MarketParts
    _watches: dict[Channel, _Watch] = field(default_factory=dict)

    async def join(self, channel: Channel, watcher: Watcher, seconds: float) -> Refused | None:
        """Watch from now on, if the channel can be read at all; else why not."""
        watch = self._watches.get(channel)
        if watch is None or watch.last is None:
            text, refused = await self._asked(channel, watcher.who)
            if refused is not None and refused.outcome == "not_sent":
                return refused
            watch = self._watches.setdefault(channel, _Watch(channel))
            if text is not None:
                self._see(watch, text)
        watch.watchers[watcher] = seconds
        if watch.frame:
            watcher.seen(channel, watch.frame)
        if watch.task is None:
            watch.task = asyncio.create_task(kept_running("market", lambda: self._follow(watch)))
        return None

    def leave(self, channel: Channel, watcher: Watcher) -> None:
        """Watch no more."""
        watch = self._watches.get(channel)
        if watch is None:
            return
        watch.watchers.pop(watcher, None)
        if not watch.watchers:
            del self._watches[channel]
            if watch.task is not None:
                watch.task.cancel()

    async def _follow(self, watch: _Watch) -> None:
        while True:
            await asyncio.sleep(min(watch.watchers.values(), default=PAUSE_SECONDS_MIN))
            for watcher in tuple(watch.watchers):
                text, refused = await self._asked(watch.channel, watcher.who)
                if text is not None and self._see(watch, text):
                    for each in tuple(watch.watchers):
                        each.seen(watch.channel, watch.frame)
                if refused is None:
                    break  # the next one asks only where this one may not

    def _see(self, watch: _Watch, text: str) -> bool:
        if text == watch.last:
            return False
        watch.last, channel = text, watch.channel
        told = dumps_plain(
            {
                "account_id": channel.account_id,
                "symbol": channel.symbol,
                "channel": channel.name,
                "ts_ms": int(self.parts.clock.now().timestamp() * 1000),
            }
        )
        payload = f'{told[:-1]},"data":{text}}}'
        watch.frame = push(f"{channel.name}_updated", payload, namespace="ccxt")
        return True

    async def _asked(
        self, channel: Channel, who: Callable[[], Awaitable[Principal]]
    ) -> tuple[str | None, Refused | None]:
        """The answer as JSON text, or why there is none; neither where it did not come in time."""
        try:
            principal = await who()
            wish = Wish(payload=channel.call, account_id=channel.account_id)
            (item,) = (await self.parts.submit(Ask(wishes=[wish], principal=principal))).items
        except OmsError as wrong:
            return None, Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)
        if item.command_id is None:
            return None, item.refused
        row = (await self.parts.waiting([item.command_id], ANSWER_SECONDS)).get(item.command_id)
        if row is None or row.status is not CommandStatus.DONE:
            if row is None or row.error is None:
                return None, None
            return None, load_result(row.status, row.error, row.result, None).error
        return load_result(row.status, row.error, row.result, None).value, None
