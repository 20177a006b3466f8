"""Sinks: receivers of messages, and which events they get."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from oms.domain.value import value

TEST_EVENT = "sink_test"
"""Name of the event of a test message, which every sink gets."""

DEFAULT_EVENTS = frozenset(
    {
        "deal_created",
        "risk_tripped",
        "kill_switch_changed",
        "deadman_fired",
        "stop_close_failed",
        "protection_degraded",
        "protection_overfill",
        "order_unknown",
        "price_alert",
        "worker_stale",
        "bot_status",
    }
)
"""Events of a sink that names none; of ``bot_status`` those of status error."""

_BOT_EVENT, _BOT_FAILED = "bot_status", "error"


class SinkKind(StrEnum):
    """How messages are sent."""

    WEBHOOK = "webhook"
    APPRISE = "apprise"


class SinkStatus(StrEnum):
    """Whether messages are sent."""

    ACTIVE = "active"
    DISABLED = "disabled"


@value
class Sink:
    """A receiver of messages; its URL and secret are stored beside, sealed."""

    id: int
    name: str
    kind: SinkKind
    #: Names of events; empty: the default ones.
    events: tuple[str, ...]
    #: Accounts; empty: all.
    account_ids: tuple[int, ...]
    #: Messages are at least so far apart; what comes in between waits.
    min_interval_seconds: int
    status: SinkStatus
    has_secret: bool
    created_at: datetime
    created_by: str
    delivered: int = 0
    #: Attempts that failed, and messages that were given up.
    failed: int = 0
    dead: int = 0
    #: Messages that were not delivered yet, and the creation of the oldest.
    waiting: int = 0
    waiting_since: datetime | None = None
    last_sent_at: datetime | None = None
    last_delivered_at: datetime | None = None
    last_error: str | None = None

    @property
    def event_names(self) -> frozenset[str]:
        """The names of the events that it gets."""
        return frozenset(self.events) if self.events else DEFAULT_EVENTS

    def selects(self, event: str, account_id: int, payload: Mapping[str, object]) -> bool:
        """Return whether it gets an event of the stream of ``account_id``.

        In the stream of account 0 the payload names the account. What concerns the whole gateway
        is sent whatever the accounts of the sink are.
        """
        if event not in self.event_names:
            return False
        if not self.events and event == _BOT_EVENT and payload.get("status") != _BOT_FAILED:
            return False
        subject = payload.get("account_id", 0) if account_id == 0 else account_id
        return not self.account_ids or subject in (0, *self.account_ids)
