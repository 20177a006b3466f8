"""The event subscription of one socket, its permissions and its heartbeat."""

import asyncio
from dataclasses import dataclass

from oms.api.context import ApiContext
from oms.api.metrics.worker_age import WorkerAge
from oms.api.websocket.account_snapshots import SnapshotLoader
from oms.api.websocket.backtest_progress import BacktestProgressFeed
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.event_subscription import EventSubscription, Spawn
from oms.api.websocket.frames import Frame, push_frame, reply_frame
from oms.api.websocket.position_marks import PositionMarks
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
    """Executes ``subscribe`` and ``unsubscribe`` of one socket."""

    context: ApiContext
    feed: EventFeed
    snapshots: SnapshotLoader
    marks: PositionMarks
    progress: BacktestProgressFeed
    worker_age: WorkerAge
    send_buffer: SendBuffer
    spawn: Spawn
    _subscription: EventSubscription | None = None
    _heartbeat: "asyncio.Task[None] | None" = None

    async def subscribe(self, frame: Frame, principal: Principal) -> None:
        """Replace the subscription by the requested one. Raises ``OmsError``."""
        request = read_subscribe(frame.payload)
        readable = [
            account_id
            for account_id in request.account_ids
            if refuse_account(principal, Permission.READ, account_id) is None
        ]
        gateway_stream = [0] if request.namespaces & GATEWAY_NAMESPACES else []
        heads = await self.context.history.heads([*readable, *gateway_stream])
        allowed = [account_id for account_id in readable if account_id in heads]
        denied = [account_id for account_id in request.account_ids if account_id not in allowed]
        if not allowed:
            raise Forbidden(f"account_id={','.join(map(str, denied))}")
        after = await resume_positions(self.context.history, request, sorted(heads))
        if self._subscription is not None:
            self._subscription.close()
        self._subscription = EventSubscription(
            request=request,
            principal=principal,
            feed=self.feed,
            snapshots=self.snapshots,
            marks=self.marks,
            progress=self.progress,
            send_buffer=self.send_buffer,
            spawn=self.spawn,
        )
        payload = {
            "namespaces": sorted(request.namespaces),
            "account_ids": allowed,
            "heads": {str(account_id): seq for account_id, seq in sorted(heads.items())},
            "denied": denied,
        }
        self.send_buffer.put(reply_frame(frame, "subscribed", payload))
        self._subscription.open(heads, after)
        self._start_heartbeat(request)

    def unsubscribe(self, frame: Frame) -> None:
        """End the subscription of some accounts, or of all."""
        account_ids = read_account_ids(frame.payload)
        remaining: list[int] = []
        if self._subscription is not None:
            if account_ids is None:
                self._subscription.close()
                self._subscription = None
            else:
                self._subscription.drop(account_ids)
                remaining = self._subscription.account_ids
        self.send_buffer.put(reply_frame(frame, "unsubscribed", {"account_ids": remaining}))

    def set_principal(self, principal: Principal) -> None:
        """Apply the current permissions; accounts that became unreadable are removed."""
        if self._subscription is None:
            return
        removed = self._subscription.set_principal(principal)
        if removed:
            self.send_buffer.put(push_frame("access_removed", {"account_ids": removed}))
            if not self._subscription.account_ids:
                self.send_buffer.close(NOTHING_READABLE, "no readable account left")

    def close(self) -> None:
        """End the subscription."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _start_heartbeat(self, request: SubscribeRequest) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            self._heartbeat = None
        if request.heartbeat_ms is not None:
            self._heartbeat = self.spawn(self._send_heartbeats(request.heartbeat_ms / 1000))

    async def _send_heartbeats(self, interval_seconds: float) -> None:
        while True:
            await asyncio.sleep(interval_seconds)
            heads = {} if self._subscription is None else self._subscription.heads()
            payload = {
                "server_time": time_text(self.context.clock.now()),
                "heads": heads,
                "worker_age_ms": await self.worker_age.read_ms(),
            }
            self.send_buffer.put(push_frame("heartbeat", payload))
