"""Dead-man switches in responses and audit rows."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.risk.deadman import DeadmanAction, DeadmanState, DeadmanSwitch
from oms.domain.risk.exchange_timer import ExchangeTimer
from oms.wire.json import optional_time_text, time_text
from oms.wire.responses.value_types import Id, TimeText, one_of

NOT_REPORTED = "not_reported"
"""Reason of a timer that no worker reports: nothing of its account is open, or no worker runs."""


class DeadmanRow(TypedDict):
    """A dead-man switch."""

    id: Id
    account_ids: list[Id]
    strategy_ids: list[Id]
    timeout_seconds: int
    action: Annotated[str, one_of(*DeadmanAction)]
    state: Annotated[str, one_of(*DeadmanState)]
    deadline: TimeText
    comment: str | None
    set_by: str
    set_by_user_id: Id | None
    set_by_api_key_id: Id | None
    set_at: TimeText
    beat_at: TimeText
    fired_at: TimeText | None
    disarmed_at: TimeText | None


class ExchangeTimerRow(TypedDict):
    """The timer of an account at its exchange."""

    account_id: Id
    until: Annotated[TimeText | None, Field(description="Null: none runs.")]
    reason: Annotated[str | None, Field(description="Why none runs, or what failed last.")]


class ListedDeadman(DeadmanRow):
    """A dead-man switch with the timers of its accounts."""

    exchange_timers: list[ExchangeTimerRow]


def timer_row(timer: ExchangeTimer) -> ExchangeTimerRow:
    """Return the row of a timer."""
    return {
        "account_id": timer.account_id,
        "until": optional_time_text(timer.until),
        "reason": timer.reason,
    }


def unreported_timer(account_id: int) -> ExchangeTimerRow:
    """Return the row of a timer of which no worker reports anything."""
    return {"account_id": account_id, "until": None, "reason": NOT_REPORTED}


def listed_deadman(switch: DeadmanSwitch, timers: Mapping[int, ExchangeTimerRow]) -> ListedDeadman:
    """Return the row of a switch with the timers of its accounts that have one."""
    own = [timers[each] for each in switch.account_ids if each in timers]
    return {**deadman_row(switch), "exchange_timers": own}


def deadman_row(switch: DeadmanSwitch) -> DeadmanRow:
    """Return the row of a dead-man switch."""
    return {
        "id": switch.id,
        "account_ids": list(switch.account_ids),
        "strategy_ids": list(switch.strategy_ids),
        "timeout_seconds": switch.timeout_seconds,
        "action": switch.action.value,
        "state": switch.state.value,
        "deadline": time_text(switch.deadline),
        "comment": switch.comment,
        "set_by": switch.set_by,
        "set_by_user_id": switch.set_by_user_id,
        "set_by_api_key_id": switch.set_by_api_key_id,
        "set_at": time_text(switch.set_at),
        "beat_at": time_text(switch.beat_at),
        "fired_at": optional_time_text(switch.fired_at),
        "disarmed_at": optional_time_text(switch.disarmed_at),
    }
