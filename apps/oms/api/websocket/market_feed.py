"""Market data by WebSocket: whatever is watched is asked for once, however many watch.

The account's worker answers, as it does any read; what changed since the last answer is pushed.
Nothing is stored and nothing repeated: who is slow gets the newest and misses what lay between.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from oms.api.background_tasks import keep_running
from oms.api.websocket.frames import push_frame
from oms.domain.access import Principal
from oms.domain.commands.command import CommandStatus
from oms.domain.errors import OmsError, Refused
from oms.ports.clock import Clock
from oms.services.submission.result_waiter import ResultWaiter
from oms.services.submission.submit import Submit, SubmitRequest
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.result_codec import load_result
from oms.wire.json import dumps_fast
from oms.wire.market_subscription import Channel

READ_TIMEOUT_SECONDS = 10.0
POLL_SECONDS_MIN = 0.05

logger = logging.getLogger(__name__)


class MarketListener(Protocol):
    """One who watches channels."""

    @property
    def who(self) -> Callable[[], Awaitable[Principal]]:
        """Tells who it is now. Raises ``OmsError``."""
        ...

    def seen(self, channel: Channel, text: str) -> None:
        """A frame about the channel; it may not fail or wait."""
        ...


class MarketContext(Protocol):
    """What is needed of the application."""

    @property
    def submit(self) -> Submit: ...
    @property
    def result_waiter(self) -> ResultWaiter: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(slots=True, eq=False)
class _Watch:
    """One channel that somebody watches, and how often each wants it."""

    channel: Channel
    watchers: dict[MarketListener, float] = field(default_factory=dict)
    last: str | None = None
    frame: str = ""
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True, kw_only=True)
class MarketFeed:
    """All channels that are watched in this process."""

    context: MarketContext
    _watches: dict[Channel, _Watch] = field(default_factory=dict)

    async def join(
        self, channel: Channel, watcher: MarketListener, seconds: float
    ) -> Refused | None:
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
            watch.task = asyncio.create_task(keep_running("market", lambda: self._follow(watch)))
        return None

    def leave(self, channel: Channel, watcher: MarketListener) -> None:
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
            await asyncio.sleep(min(watch.watchers.values(), default=POLL_SECONDS_MIN))
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
        told = dumps_fast(
            {
                "account_id": channel.account_id,
                "symbol": channel.symbol,
                "channel": channel.name,
                "ts_ms": int(self.context.clock.now().timestamp() * 1000),
            }
        )
        payload = f'{told[:-1]},"data":{text}}}'
        watch.frame = push_frame(f"{channel.name}_updated", payload, namespace="ccxt")
        return True

    async def _asked(
        self, channel: Channel, who: Callable[[], Awaitable[Principal]]
    ) -> tuple[str | None, Refused | None]:
        """The answer as JSON text, or why there is none; neither where it did not come in time."""
        try:
            principal = await who()
            wish = CommandRequest(payload=channel.call, account_id=channel.account_id)
            (item,) = (
                await self.context.submit(SubmitRequest(commands=[wish], principal=principal))
            ).items
        except OmsError as wrong:
            return None, Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)
        if item.command_id is None:
            return None, item.refused
        row = (await self.context.result_waiter([item.command_id], READ_TIMEOUT_SECONDS)).get(
            item.command_id
        )
        if row is None or row.status is not CommandStatus.DONE:
            if row is None or row.error is None:
                return None, None
            return None, load_result(row.status, row.error, row.result, None).error
        return load_result(row.status, row.error, row.result, None).value, None
