"""Sinks and deliveries in responses and audit rows; addresses and secrets are in none."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.notifications.delivery import Delivery, DeliveryStatus
from oms.domain.notifications.sink import Sink, SinkKind
from oms.wire.json import optional_time_text, time_text
from oms.wire.responses.value_types import ActiveText, Count, Id, TimeText, one_of


class SinkRow(TypedDict):
    """A receiver of messages."""

    id: Id
    name: str
    kind: Annotated[str, one_of(*SinkKind)]
    status: ActiveText
    events: Annotated[list[str], Field(description="Empty: the default events.")]
    account_ids: Annotated[list[Id], Field(description="Empty: all accounts.")]
    min_interval_seconds: Count
    has_secret: bool
    created_at: TimeText
    created_by: str
    delivered: Annotated[Count, Field(description="Messages that arrived.")]
    failed: Annotated[Count, Field(description="Attempts that failed.")]
    dead: Annotated[Count, Field(description="Messages that were given up.")]
    waiting: Annotated[Count, Field(description="Messages that have not arrived yet.")]
    waiting_since: Annotated[TimeText | None, Field(description="Since when the oldest waits.")]
    last_sent_at: TimeText | None
    last_delivered_at: TimeText | None
    last_error: Annotated[str | None, Field(description="Null after a message that arrived.")]


class DeliveryRow(TypedDict):
    """A message of an event to a sink."""

    id: Id
    sink_id: Id
    event_id: Id
    account_id: Count
    event: str
    status: Annotated[str, one_of(*DeliveryStatus)]
    attempts: Count
    next_at: Annotated[TimeText | None, Field(description="When it is sent next.")]
    expires_at: Annotated[TimeText, Field(description="When it is given up.")]
    created_at: TimeText
    delivered_at: TimeText | None
    last_error: str | None


class DeliveryPage(TypedDict):
    """Deliveries, the newest first."""

    items: list[DeliveryRow]
    next_before_id: Annotated[Id | None, Field(description="``before_id`` of the next page.")]


def sink_row(sink: Sink) -> SinkRow:
    """Return the row of a sink."""
    return {
        "id": sink.id,
        "name": sink.name,
        "kind": sink.kind.value,
        "status": sink.status.value,
        "events": list(sink.events),
        "account_ids": list(sink.account_ids),
        "min_interval_seconds": sink.min_interval_seconds,
        "has_secret": sink.has_secret,
        "created_at": time_text(sink.created_at),
        "created_by": sink.created_by,
        "delivered": sink.delivered,
        "failed": sink.failed,
        "dead": sink.dead,
        "waiting": sink.waiting,
        "waiting_since": optional_time_text(sink.waiting_since),
        "last_sent_at": optional_time_text(sink.last_sent_at),
        "last_delivered_at": optional_time_text(sink.last_delivered_at),
        "last_error": sink.last_error,
    }


def delivery_row(delivery: Delivery) -> DeliveryRow:
    """Return the row of a delivery."""
    is_queued = delivery.status is DeliveryStatus.QUEUED
    return {
        "id": delivery.id,
        "sink_id": delivery.sink_id,
        "event_id": delivery.event_id,
        "account_id": delivery.account_id,
        "event": delivery.event,
        "status": delivery.status.value,
        "attempts": delivery.attempts,
        "next_at": time_text(delivery.next_at) if is_queued else None,
        "expires_at": time_text(delivery.expires_at),
        "created_at": time_text(delivery.created_at),
        "delivered_at": optional_time_text(delivery.delivered_at),
        "last_error": delivery.last_error,
    }
