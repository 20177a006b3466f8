"""Tests how long the timer of an exchange runs behind a dead-man switch."""

from datetime import UTC, datetime, timedelta

import pytest

from oms.domain.risk.deadman import DeadmanAction, DeadmanState, DeadmanSwitch
from oms.domain.risk.exchange_timer import first_to_end, is_too_long, timer_seconds

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = range(10, 121)


def a_switch(timeout: int, left: float | None = None, **fields: object) -> DeadmanSwitch:
    values: dict[str, object] = {
        "id": 1,
        "account_ids": (1,),
        "timeout_seconds": timeout,
        "action": DeadmanAction.CANCEL_ENTRIES,
        "deadline": NOW + timedelta(seconds=timeout if left is None else left),
        "set_by": "test",
        "set_at": NOW,
        "beat_at": NOW,
    }
    return DeadmanSwitch(**values | fields)


@pytest.mark.parametrize(
    ("timeout", "left", "runs", "seconds"),
    [
        # Armed: the deadline, 10 s for the gateway, half a timeout for beats to come.
        (5, 5, None, 18),
        (60, 60, None, 100),
        # Renewed once a quarter of the timeout is used up, and not before.
        (60, 60, 86, None),
        (60, 60, 84, 100),
        # Longer than the exchange counts: as long as it can.
        (80, 80, None, 120),
        # The deadline has passed: the gateway acts, the timer is not shorter than the least.
        (5, -12, None, 10),
        # Another switch ends first: the timer is set back to it.
        (5, 5, 110, 18),
    ],
)
def test_a_timer_ends_after_the_gateway_would_have_acted(
    timeout: int, left: float, runs: float | None, seconds: int | None
) -> None:
    until = None if runs is None else NOW + timedelta(seconds=runs)

    assert timer_seconds(a_switch(timeout, left), SECONDS, NOW, until) == seconds


@pytest.mark.parametrize(("timeout", "too_long"), [(5, False), (88, False), (89, True)])
def test_a_timer_is_not_shorter_than_the_switch_needs(timeout: int, too_long: bool) -> None:
    switch = a_switch(timeout)

    assert is_too_long(switch, SECONDS) is too_long
    if not too_long:
        set_to = timer_seconds(switch, SECONDS, NOW, None)
        assert set_to is not None and set_to >= timeout + 10
        until = NOW + timedelta(seconds=set_to)
        assert timer_seconds(switch, SECONDS, NOW, until) is None


def test_the_first_deadline_counts_of_switches_over_the_whole_account() -> None:
    first, later = a_switch(5), a_switch(50)
    of_strategies = a_switch(6, 1, strategy_ids=(3,))
    elsewhere = a_switch(6, 1, account_ids=(2,))
    fired = a_switch(6, 1, state=DeadmanState.FIRED)

    assert first_to_end([later, first, of_strategies, elsewhere, fired], 1) is first
    assert first_to_end([of_strategies, elsewhere, fired], 1) is None
