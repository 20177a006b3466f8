"""Storage and sending of notifications.

Sinks are administered by the API; deliveries are made and sent by the runner that holds the lease
of the task. A message is stored before it is sent, in the transaction that moves the cursor of its
sink and account, so none is lost and none is made twice.
"""

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from oms.domain.notifications.delivery import Delivery, DeliveryStatus
from oms.domain.notifications.sink import Sink, SinkStatus
from oms.domain.value import value
from oms.ports.audit_log import AuditContext
from oms.ports.runner.task_leases import TaskLease

URL_FIELD, SECRET_FIELD = "sink_url", "sink_secret"
"""Names of the sealed fields, to which their texts are bound with the id of the sink."""


@value
class NewSink:
    """A sink to store, with its sealed address and secret."""

    sink: Sink
    url_sealed: str = field(repr=False)
    secret_sealed: str | None = field(repr=False)


@value
class SinkChange:
    """A change of a sink; ``None`` leaves a field as it is."""

    name: str | None = None
    events: tuple[str, ...] | None = None
    account_ids: tuple[int, ...] | None = None
    min_interval_seconds: int | None = None
    status: SinkStatus | None = None
    url_sealed: str | None = field(default=None, repr=False)
    secret_sealed: str | None = field(default=None, repr=False)


@value
class SinkTarget:
    """Where a sink sends to, as stored: sealed."""

    sink_id: int
    url_sealed: str = field(repr=False)
    secret_sealed: str | None = field(repr=False)
    last_sent_at: datetime | None


@value
class StreamBehind:
    """A stream of events that a sink has not read to its end."""

    account_id: int
    #: The last number that was read, and the last one there is.
    seq: int
    head: int


@value
class NewDelivery:
    """A message of an event for a sink."""

    event_id: int
    account_id: int
    event: str
    body: str


@value
class DeliveryQuery:
    """Filters and page of deliveries, the newest first."""

    sink_id: int | None = None
    status: DeliveryStatus | None = None
    #: Only older ones than this id.
    before_id: int | None = None
    limit: int = 100


@value
class AttemptResult:
    """What an attempt to send led to; with ``error`` ``None`` the message arrived."""

    delivery: Delivery
    at: datetime
    error: str | None = None
    #: When to try again; ``None`` after a failure: never.
    next_at: datetime | None = None

    @property
    def is_given_up(self) -> bool:
        """Whether it failed and is not tried again."""
        return self.error is not None and self.next_at is None


class SinkStore(Protocol):
    """Administration of sinks and deliveries; every method raises ``Unavailable``."""

    async def new_id(self) -> int:
        """Return the id of the next sink, to which its address is sealed."""
        ...

    async def create(self, new: NewSink, audit_context: AuditContext) -> Sink:
        """Store a sink, which gets events from now on, with its audit row.

        Raises ``Conflict`` if the name is taken.
        """
        ...

    async def change(
        self, sink_id: int, change: SinkChange, audit_context: AuditContext
    ) -> Sink | None:
        """Change a sink with its audit row; ``None`` if there is none.

        One that becomes active again gets events from now on. Raises ``Conflict``.
        """
        ...

    async def sinks(self) -> Sequence[Sink]:
        """Return all sinks with their counts, by id."""
        ...

    async def queue_test(self, sink_id: int, audit_context: AuditContext) -> Delivery | None:
        """Queue a test message with its audit row; ``None`` if there is no such active sink."""
        ...

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Return deliveries, the newest first."""
        ...

    async def redeliver(self, delivery_id: int, audit_context: AuditContext) -> Delivery | None:
        """Queue a delivery again with its audit row; ``None`` if there is none.

        Raises ``Conflict`` if it is queued already.
        """
        ...


class DeliveryStore(Protocol):
    """What the runner reads and writes; every method raises ``Unavailable``."""

    async def active_sinks(self) -> Sequence[Sink]:
        """Return the active sinks, by id."""
        ...

    async def target(self, sink_id: int) -> SinkTarget | None:
        """Return where an active sink sends to; ``None`` if there is none."""
        ...

    async def behind(self, sink: Sink) -> Sequence[StreamBehind]:
        """Return the streams of its accounts, and of account 0, that a sink has not read."""
        ...

    async def collect(
        self,
        lease: TaskLease,
        sink_id: int,
        stream: StreamBehind,
        seq: int,
        messages: Sequence[NewDelivery],
        at: datetime,
    ) -> None:
        """Store messages, and that the sink has read the stream up to ``seq``, together.

        Raises ``LeaseLost``.
        """
        ...

    async def sinks_due(self, now: datetime) -> Sequence[int]:
        """Return the sinks with a message that is due."""
        ...

    async def due(self, sink_id: int, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return the messages of a sink that are due, in order."""
        ...

    async def record(self, lease: TaskLease, result: AttemptResult) -> None:
        """Store what an attempt led to, and count it. Raises ``LeaseLost``."""
        ...

    async def expire(self, lease: TaskLease, now: datetime) -> int:
        """Give up messages that were not delivered in time. Raises ``LeaseLost``."""
        ...

    async def trim(self, lease: TaskLease, before: datetime, limit: int) -> int:
        """Delete the oldest messages that ended before a time. Raises ``LeaseLost``."""
        ...


@value
class Message:
    """A message to send: its body, and what identifies it."""

    event_id: int
    event: str
    body: str


class SendError(Exception):
    """A message did not arrive; the text says why, without the address or a secret."""


class Sender(Protocol):
    """Sends messages of one kind of sink."""

    async def send(self, url: str, secret: str | None, message: Message) -> None:
        """Send a message within ``ATTEMPT_SECONDS_MAX``. Raises ``SendError``."""
        ...
