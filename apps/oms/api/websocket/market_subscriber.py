"""The market data channels of one socket: ``subscribe_market`` and ``unsubscribe_market``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from oms.api.websocket.event_subscription import Spawn
from oms.api.websocket.frames import Frame, error_frame, reply_frame
from oms.api.websocket.market_feed import MarketFeed
from oms.api.websocket.send_buffer import SendBuffer
from oms.domain.access import Permission, Principal, refuse_account, refuse_role
from oms.domain.errors import Forbidden, Invalid, OmsError, Refused
from oms.wire.market_subscription import (
    Channel,
    MarketSubscription,
    matches_channel,
    read_market_subscription,
)

CHANNELS_MAX = 200
"""Channels of one socket."""


@dataclass(slots=True, kw_only=True, eq=False)
class MarketSubscriber:
    """The channels of one socket; ``market_feed.MarketListener``."""

    feed: MarketFeed
    send_buffer: SendBuffer
    spawn: Spawn
    authenticate: Callable[[], Awaitable[Principal]]
    _channels: set[Channel] = field(default_factory=set)
    #: Frames of channels whose subscription was not answered yet: the reply is sent first.
    _held: dict[Channel, str | None] = field(default_factory=dict)
    _is_closed: bool = False

    def subscribe(self, frame: Frame, principal: Principal) -> None:
        """Add the channels of the frame. Raises ``OmsError``."""
        request = read_market_subscription(frame.payload)
        refused = refuse_role(principal, Permission.MARKET) or refuse_account(
            principal, Permission.MARKET, request.account_id
        )
        if refused is not None:
            raise Forbidden(refused.message, code=refused.code)
        if len(self._channels | set(request.channels)) > CHANNELS_MAX:
            message = f"this connection has {CHANNELS_MAX} channels already"
            raise Invalid(message, code="rate_limited", reason="channels")
        self.spawn(self._join(frame, request))

    def unsubscribe(self, frame: Frame) -> None:
        """Remove the channels of the frame. Raises ``Malformed``."""
        removed = [channel for channel in self._channels if matches_channel(frame.payload, channel)]
        self._leave(removed)
        self.send_buffer.put(reply_frame(frame, "unsubscribed_market", {"removed": len(removed)}))

    def set_principal(self, principal: Principal) -> None:
        """Apply the current permissions; channels that are not allowed any more are removed."""
        self._leave(
            [
                channel
                for channel in self._channels
                if refuse_account(principal, Permission.MARKET, channel.account_id) is not None
            ]
        )

    def close(self) -> None:
        """Remove all channels."""
        self._is_closed = True
        self._leave(list(self._channels))

    def on_update(self, channel: Channel, text: str) -> None:
        """Send the newest frame of a channel in place of one that still waits."""
        if channel in self._held:
            self._held[channel] = text
        elif channel in self._channels:
            self.send_buffer.put_newest(channel, text)

    async def _join(self, frame: Frame, request: MarketSubscription) -> None:
        """Join the channels and reply; what they push meanwhile follows the reply."""
        added = [channel for channel in request.channels if channel not in self._channels]
        self._held |= dict.fromkeys(added)
        try:
            await self._join_channels(frame, request)
        finally:
            for channel in added:
                text = self._held.pop(channel, None)
                if text is not None:
                    self.on_update(channel, text)

    async def _join_channels(self, frame: Frame, request: MarketSubscription) -> None:
        joined: list[str] = []
        problem: Refused | OmsError | None = None
        for channel in request.channels:
            self._channels.add(channel)
            refused = await self.feed.join(channel, self, request.poll_ms / 1000)
            if refused is not None:
                self._channels.discard(channel)
                problem = problem or refused
            elif self._is_closed or channel not in self._channels:
                self.feed.leave(channel, self)
            else:
                joined.append(channel.name)
        if not joined and problem is not None:
            self.send_buffer.put(error_frame(frame, problem))
            return
        payload = {
            "account_id": request.account_id,
            "symbol": request.symbol,
            "channels": joined,
            "poll_interval_ms": request.poll_ms,
        }
        self.send_buffer.put(reply_frame(frame, "subscribed_market", payload))

    def _leave(self, channels: list[Channel]) -> None:
        for channel in channels:
            self._channels.discard(channel)
            self.feed.leave(channel, self)
