"""Sends the messages of a sink that are due, one after the other, and stores what came of it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from oms.domain.notifications.delivery import Delivery, next_attempt
from oms.domain.notifications.sink import Sink, SinkKind
from oms.ports.clock import Clock
from oms.ports.runner.notifications import (
    SECRET_FIELD,
    URL_FIELD,
    AttemptResult,
    DeliveryStore,
    Message,
    Sender,
    SendError,
    SinkTarget,
)
from oms.ports.runner.task_leases import TaskLease
from oms.ports.vault import NoMasterKey, UnsealError, Vault

logger = logging.getLogger(__name__)

MESSAGES_READ_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessages:
    """Sends to one sink at a time."""

    deliveries: DeliveryStore
    vault: Vault
    senders: Mapping[SinkKind, Sender]
    clock: Clock

    async def __call__(
        self,
        lease: TaskLease,
        sink: Sink,
        require_valid: Callable[[], None],
        is_stopping: Callable[[], bool],
    ) -> None:
        """Send what is due, until the stop; ``require_valid`` raises ``LeaseLost`` where needed.

        Raises ``LeaseLost``, ``Unavailable``. What was sent and could not be stored is sent again.
        """
        while not is_stopping():
            now = self.clock.now()
            target = await self.deliveries.target(sink.id)
            if target is None or _is_too_early(sink, target, now):
                return
            messages = await self.deliveries.due(sink.id, now, MESSAGES_READ_MAX)
            if not messages:
                return
            for delivery in messages[: 1 if sink.min_interval_seconds else None]:
                if is_stopping():
                    return
                require_valid()
                error = await self._send(sink, target, delivery)
                await self._record(lease, delivery, error)

    async def _send(self, sink: Sink, target: SinkTarget, delivery: Delivery) -> str | None:
        """Send a message; returns why it did not arrive."""
        try:
            url = self.vault.open(sink.id, URL_FIELD, target.url_sealed)
            sealed = target.secret_sealed
            secret = None if sealed is None else self.vault.open(sink.id, SECRET_FIELD, sealed)
            message = Message(event_id=delivery.event_id, event=delivery.event, body=delivery.body)
            await self.senders[sink.kind].send(url, secret, message)
        except (UnsealError, NoMasterKey):
            return "the address cannot be opened with the signal key"
        except SendError as error:
            return str(error)
        return None

    async def _record(self, lease: TaskLease, delivery: Delivery, error: str | None) -> None:
        at = self.clock.now()
        next_at = None if error is None else next_attempt(delivery, at)
        if error is not None:
            fields = {"sink_id": delivery.sink_id, "delivery_id": delivery.id, "reason": error}
            fields["attempts"] = delivery.attempts + 1
            if next_at is None:
                logger.warning("notification_dead", extra=fields)
            else:
                logger.warning("notification_failed", extra=fields)
        result = AttemptResult(delivery=delivery, at=at, error=error, next_at=next_at)
        await self.deliveries.record(lease, result)


def _is_too_early(sink: Sink, target: SinkTarget, now: datetime) -> bool:
    interval = timedelta(seconds=sink.min_interval_seconds)
    return target.last_sent_at is not None and now < target.last_sent_at + interval
