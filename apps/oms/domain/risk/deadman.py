"""Dead-man switches: an action on accounts that follows when their client stops to report itself.

The client reports by a beat, which moves the deadline. A missed deadline fires the switch once.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from oms.domain.value import value

TIMEOUT_SECONDS = range(5, 3601)
"""Permitted times between two beats."""

CAUSE_PREFIX = "deadman:"
"""How the cause of kill switches begins that a dead-man switch activated."""


class DeadmanAction(StrEnum):
    """What a missed deadline causes, mildest first."""

    CANCEL_ENTRIES = "cancel_entries"
    #: Also refuse what opens a position, until a person releases the kill switch.
    REDUCE_ONLY = "reduce_only"
    #: Also close all positions.
    FLATTEN = "flatten"


class DeadmanState(StrEnum):
    """Armed, fired, or disarmed by a person; a fired switch is disarmed too."""

    ARMED = "armed"
    FIRED = "fired"
    DISARMED = "disarmed"


@value
class DeadmanSwitch:
    """A dead-man switch over accounts, or over some strategies on them."""

    id: int
    account_ids: tuple[int, ...]
    #: Empty: all strategies.
    strategy_ids: tuple[int, ...] = ()
    timeout_seconds: int
    action: DeadmanAction
    state: DeadmanState = DeadmanState.ARMED
    deadline: datetime
    #: Whether the deadline was extended after an outage, since the last beat.
    is_extended: bool = False
    comment: str | None = None
    set_by: str
    set_by_user_id: int | None = None
    set_by_api_key_id: int | None = None
    set_at: datetime
    beat_at: datetime
    fired_at: datetime | None = None
    disarmed_at: datetime | None = None

    @property
    def timeout(self) -> timedelta:
        """The time between a beat and the deadline that follows from it."""
        return timedelta(seconds=self.timeout_seconds)

    @property
    def cause(self) -> str:
        """The cause of kill switches that it activates when it misses its deadline."""
        return f"{CAUSE_PREFIX}{self.id}:{int(self.deadline.timestamp() * 1000)}"


def deadman_id_of(cause: str | None) -> int | None:
    """Return the id of the dead-man switch in the cause of a kill switch; ``None`` without one."""
    if cause is None or not cause.startswith(CAUSE_PREFIX):
        return None
    return int(cause.removeprefix(CAUSE_PREFIX).partition(":")[0])
