"""Market data for all sockets of a process: each channel is polled once for all its listeners.

The data is read by the account's worker like any ccxt call, and pushed if it changed. Updates are
not stored: a slow listener gets the newest and misses those before it.
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
    """Receives updates of channels."""

    @property
    def authenticate(self) -> Callable[[], Awaitable[Principal]]:
        """Authenticates the listener again. Raises ``OmsError``."""
        ...

    def on_update(self, channel: Channel, text: str) -> None:
        """Take a frame of the channel; must neither raise nor block."""
        ...


class MarketContext(Protocol):
    """The part of ``ApiContext`` that the feed needs."""

    @property
    def submit(self) -> Submit: ...
    @property
    def result_waiter(self) -> ResultWaiter: ...
    @property
    def clock(self) -> Clock: ...


@dataclass(slots=True, eq=False)
class _PolledChannel:
    """A channel with its listeners and their poll intervals in seconds."""

    channel: Channel
    listeners: dict[MarketListener, float] = field(default_factory=dict)
    last_text: str | None = None
    frame: str = ""
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True, kw_only=True)
class MarketFeed:
    """All subscribed channels of this process."""

    context: MarketContext
    _polled: dict[Channel, _PolledChannel] = field(default_factory=dict)

    async def join(
        self, channel: Channel, listener: MarketListener, poll_seconds: float
    ) -> Refused | None:
        """Add a listener; return the error if the channel cannot be read at all."""
        polled = self._polled.get(channel)
        if polled is None or polled.last_text is None:
            text, refused = await self._read(channel, listener.authenticate)
            if refused is not None and refused.outcome == "not_sent":
                return refused
            polled = self._polled.setdefault(channel, _PolledChannel(channel))
            if text is not None:
                self._update(polled, text)
        polled.listeners[listener] = poll_seconds
        if polled.frame:
            listener.on_update(channel, polled.frame)
        if polled.task is None:
            polled.task = asyncio.create_task(keep_running("market", lambda: self._follow(polled)))
        return None

    def leave(self, channel: Channel, listener: MarketListener) -> None:
        """Remove a listener; a channel without listeners is not polled any more."""
        polled = self._polled.get(channel)
        if polled is None:
            return
        polled.listeners.pop(listener, None)
        if not polled.listeners:
            del self._polled[channel]
            if polled.task is not None:
                polled.task.cancel()

    async def _follow(self, polled: _PolledChannel) -> None:
        while True:
            await asyncio.sleep(min(polled.listeners.values(), default=POLL_SECONDS_MIN))
            for listener in tuple(polled.listeners):
                text, refused = await self._read(polled.channel, listener.authenticate)
                if text is not None and self._update(polled, text):
                    for each in tuple(polled.listeners):
                        each.on_update(polled.channel, polled.frame)
                if refused is None:
                    break  # another listener's rights are used only if this one's do not suffice

    def _update(self, polled: _PolledChannel, text: str) -> bool:
        """Set the newest data; return whether it changed."""
        if text == polled.last_text:
            return False
        polled.last_text, channel = text, polled.channel
        fields = {
            "account_id": channel.account_id,
            "symbol": channel.symbol,
            "channel": channel.name,
            "ts_ms": int(self.context.clock.now().timestamp() * 1000),
        }
        if channel.timeframe:
            fields["timeframe"] = channel.timeframe
        head = dumps_fast(fields)
        payload = f'{head[:-1]},"data":{text}}}'
        polled.frame = push_frame(f"{channel.name}_updated", payload, namespace="ccxt")
        return True

    async def _read(
        self, channel: Channel, authenticate: Callable[[], Awaitable[Principal]]
    ) -> tuple[str | None, Refused | None]:
        """Return the data as JSON text, or the error; neither if it did not come in time."""
        try:
            principal = await authenticate()
            command = CommandRequest(payload=channel.call, account_id=channel.account_id)
            (item,) = (
                await self.context.submit(SubmitRequest(commands=[command], principal=principal))
            ).items
        except OmsError as error:
            return None, Refused(code=error.code, message=error.message, reason=error.reason)
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
