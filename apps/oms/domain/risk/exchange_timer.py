"""Timers of exchanges that cancel all orders of an account, behind its dead-man switches.

The gateway acts at the deadline of a switch. The timer runs longer: it cancels where the gateway
does not, because no worker runs any more.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from oms.domain.risk.deadman import DeadmanState, DeadmanSwitch
from oms.domain.value import value

LATER = timedelta(seconds=10)
"""How long after the deadline of a switch a timer ends at the earliest."""


@value
class ExchangeTimer:
    """The timer of an account, as its worker last set or read it."""

    account_id: int
    #: When the exchange cancels all orders; ``None``: no timer runs.
    until: datetime | None = None
    #: The symbols that it was set for, where each symbol has its own.
    symbols: frozenset[str] = frozenset()
    #: Why none runs although a switch is armed, or the code of the last failure.
    reason: str | None = None


def names_account(switch: DeadmanSwitch, account_id: int) -> bool:
    """Return whether a switch concerns all orders of the account, not those of strategies."""
    return account_id in switch.account_ids and not switch.strategy_ids


def first_to_end(switches: Sequence[DeadmanSwitch], account_id: int) -> DeadmanSwitch | None:
    """Return the armed switch over the account whose deadline is the first."""
    armed = [
        each
        for each in switches
        if each.state is DeadmanState.ARMED and names_account(each, account_id)
    ]
    return min(armed, key=lambda each: each.deadline, default=None)


def is_too_long(switch: DeadmanSwitch, seconds: range) -> bool:
    """Return whether the exchange has no timer as long as the switch needs it.

    A shorter one would cancel while the client is within its time.
    """
    return _renewed_at_latest(switch, switch.timeout) > timedelta(seconds=seconds.stop - 1)


def timer_seconds(
    switch: DeadmanSwitch, seconds: range, now: datetime, until: datetime | None
) -> int | None:
    """Return the seconds that the timer has to be set to; ``None`` if it may go on as it is.

    ``until`` is when it ends now. It is set so long that beats renew it every quarter of their
    timeout at most.
    """
    left = switch.deadline - now
    longest = left + LATER + switch.timeout / 2
    if until is not None and (
        _renewed_at_latest(switch, left) <= until - now <= longest + timedelta(seconds=1)
    ):
        return None
    needed = math.ceil(longest.total_seconds())
    return min(max(needed, seconds.start), seconds.stop - 1)


def _renewed_at_latest(switch: DeadmanSwitch, left: timedelta) -> timedelta:
    """Return how long a timer has to run at least, so that it is not set again yet."""
    return left + LATER + switch.timeout / 4
