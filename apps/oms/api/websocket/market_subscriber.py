"""What one socket watches of the market: ``subscribe_market`` and ``unsubscribe_market``."""

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
"""Channels that one socket may watch."""


@dataclass(slots=True, kw_only=True, eq=False)
class MarketSubscriber:
    """The channels of one socket; ``markets.Watcher``."""

    markets: MarketFeed
    send_buffer: SendBuffer
    spawn: Spawn
    who: Callable[[], Awaitable[Principal]]
    _channels: set[Channel] = field(default_factory=set)
    _is_closed: bool = False

    def subscribe(self, frame: Frame, principal: Principal) -> None:
        """Watch what the frame asks, besides what is watched already. Raises ``OmsError``."""
        wish = read_market_subscription(frame.payload)
        refused = refuse_role(principal, Permission.MARKET) or refuse_account(
            principal, Permission.MARKET, wish.account_id
        )
        if refused is not None:
            raise Forbidden(refused.message, code=refused.code)
        if len(self._channels | set(wish.channels)) > CHANNELS_MAX:
            message = f"this connection watches {CHANNELS_MAX} channels already"
            raise Invalid(message, code="rate_limited", reason="channels")
        self.spawn(self._join(frame, wish))

    def unsubscribe(self, frame: Frame) -> None:
        """Watch what the frame names no more. Raises ``Malformed``."""
        named = [channel for channel in self._channels if matches_channel(frame.payload, channel)]
        self._leave(named)
        self.send_buffer.put(reply_frame(frame, "unsubscribed_market", {"removed": len(named)}))

    def narrow(self, principal: Principal) -> None:
        """Watch no more what the rights of ``principal`` do not allow."""
        self._leave(
            [
                channel
                for channel in self._channels
                if refuse_account(principal, Permission.MARKET, channel.account_id) is not None
            ]
        )

    def close(self) -> None:
        """Watch nothing any more."""
        self._is_closed = True
        self._leave(list(self._channels))

    def seen(self, channel: Channel, text: str) -> None:
        """Put the newest of a channel; it takes the place of what still waits."""
        if channel in self._channels:
            self.send_buffer.put_newest(channel, text)

    async def _join(self, frame: Frame, wish: MarketSubscription) -> None:
        watched: list[str] = []
        problem: Refused | OmsError | None = None
        for channel in wish.channels:
            self._channels.add(channel)
            refused = await self.markets.join(channel, self, wish.poll_ms / 1000)
            if refused is not None:
                self._channels.discard(channel)
                problem = problem or refused
            elif self._is_closed or channel not in self._channels:
                self.markets.leave(channel, self)
            else:
                watched.append(channel.name)
        if not watched and problem is not None:
            self.send_buffer.put(error_frame(frame, problem))
            return
        told = {
            "account_id": wish.account_id,
            "symbol": wish.symbol,
            "channels": watched,
            "poll_interval_ms": wish.poll_ms,
        }
        self.send_buffer.put(reply_frame(frame, "subscribed_market", told))

    def _leave(self, channels: list[Channel]) -> None:
        for channel in channels:
            self._channels.discard(channel)
            self.markets.leave(channel, self)
