"""Whom one socket listens to: the subscription it has now, its rights, its heartbeat."""

import asyncio
from dataclasses import dataclass

from oms.api.context import ApiContext
from oms.api.websocket.account_snapshots import SnapshotLoader
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.event_subscription import EventSubscription, Spawn
from oms.api.websocket.frames import Frame, push_frame, reply_frame
from oms.api.websocket.send_buffer import SendBuffer
from oms.api.websocket.subscribe_request import (
    GATEWAY_NAMESPACES,
    SubscribeRequest,
    read_account_ids,
    read_subscribe,
    resume_positions,
)
from oms.domain.access import Permission, Principal, refuse_account
from oms.domain.errors import Forbidden
from oms.wire.json import time_text

NOTHING_READABLE = 4403


@dataclass(slots=True, kw_only=True, eq=False)
class EventSubscriber:
    """The ``subscribe`` and ``unsubscribe`` of one socket."""

    context: ApiContext
    feed: EventFeed
    snapshots: SnapshotLoader
    send_buffer: SendBuffer
    spawn: Spawn
    _stream: EventSubscription | None = None
    _heartbeat: "asyncio.Task[None] | None" = None

    async def subscribe(self, frame: Frame, who: Principal) -> None:
        """Listen as asked, instead of as before. Raises ``OmsError``."""
        wish = read_subscribe(frame.payload)
        may = [a for a in wish.account_ids if refuse_account(who, Permission.READ, a) is None]
        house = [0] if wish.namespaces & GATEWAY_NAMESPACES else []
        heads = await self.context.history.heads([*may, *house])
        allowed = [account_id for account_id in may if account_id in heads]
        denied = [account_id for account_id in wish.account_ids if account_id not in allowed]
        if not allowed:
            told = ",".join(map(str, denied))
            raise Forbidden(f"account_id={told}")
        after = await resume_positions(self.context.history, wish, sorted(heads))
        if self._stream is not None:
            self._stream.close()
        self._stream = EventSubscription(
            wish=wish,
            principal=who,
            feed=self.feed,
            snapshots=self.snapshots,
            send_buffer=self.send_buffer,
            spawn=self.spawn,
        )
        payload = {
            "namespaces": sorted(wish.namespaces),
            "account_ids": allowed,
            "heads": {str(account_id): seq for account_id, seq in sorted(heads.items())},
            "denied": denied,
        }
        self.send_buffer.put(reply_frame(frame, "subscribed", payload))
        self._stream.open(heads, after)
        self._beat(wish)

    def unsubscribe(self, frame: Frame) -> None:
        """Listen no more to some accounts, or to all."""
        named = read_account_ids(frame.payload)
        left: list[int] = []
        if self._stream is not None:
            if named is None:
                self._stream.close()
                self._stream = None
            else:
                self._stream.drop(named)
                left = self._stream.account_ids
        self.send_buffer.put(reply_frame(frame, "unsubscribed", {"account_ids": left}))

    def narrow(self, who: Principal) -> None:
        """Go on with the rights of ``who``."""
        if self._stream is None:
            return
        lost = self._stream.narrow(who)
        if lost:
            self.send_buffer.put(push_frame("access_removed", {"account_ids": lost}))
            if not self._stream.account_ids:
                self.send_buffer.close(NOTHING_READABLE, "no readable account left")

    def close(self) -> None:
        """Listen to nothing any more."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _beat(self, wish: SubscribeRequest) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            self._heartbeat = None
        if wish.heartbeat_ms is not None:
            self._heartbeat = self.spawn(self._beat_every(wish.heartbeat_ms / 1000))

    async def _beat_every(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            heads = {} if self._stream is None else self._stream.heads()
            now = time_text(self.context.clock.now())
            self.send_buffer.put(push_frame("heartbeat", {"server_time": now, "heads": heads}))
