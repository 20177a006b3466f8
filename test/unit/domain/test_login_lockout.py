"""Login lockout: start, growth and reset of locks."""

from datetime import UTC, datetime, timedelta

import pytest

from oms.domain.login_lockout import (
    FAILURES_PER_ADDRESS,
    FAILURES_PER_NAME,
    LoginAttempt,
    failures_of,
    locked_until,
    lockout_address,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(*seconds: float) -> list[datetime]:
    return [NOON + timedelta(seconds=each) for each in seconds]


@pytest.mark.parametrize("limit", [FAILURES_PER_NAME, FAILURES_PER_ADDRESS])
def test_a_lock_begins_with_the_last_of_so_many(limit: int) -> None:
    few = after(*range(limit - 1))
    assert locked_until(few, limit) is None
    assert locked_until([*few, NOON + timedelta(seconds=limit)], limit) == NOON + timedelta(
        seconds=limit + 1
    )


def test_failures_spread_beyond_the_window_do_not_lock() -> None:
    assert locked_until(after(0, 300, 600, 850, 901), FAILURES_PER_NAME) is None
    assert locked_until(after(0, 300, 600, 850, 900), FAILURES_PER_NAME) is not None


def test_a_lock_doubles_up_to_a_quarter_of_an_hour() -> None:
    times = after(0, 1, 2, 3, 4)
    locks = []
    for _ in range(14):
        until = locked_until(times, FAILURES_PER_NAME)
        assert until is not None
        locks.append((until - times[-1]).total_seconds())
        times.append(until + timedelta(seconds=1))
    assert locks == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


def test_a_quiet_window_resets_the_lock() -> None:
    times = after(0, 1, 2, 3, 4, 6, 9)
    until = locked_until(times, FAILURES_PER_NAME)
    assert until == NOON + timedelta(seconds=13)
    times.append(until + timedelta(minutes=15, seconds=1))
    assert locked_until(times, FAILURES_PER_NAME) is None


def test_a_success_clears_the_failures_of_its_name() -> None:
    results = [("ann", False), ("bob", False), ("ann", True), ("ann", False), ("bob", False)]
    attempts = [
        LoginAttempt(user_name=name, ok=ok, at=NOON + timedelta(seconds=second))
        for second, (name, ok) in enumerate(results)
    ]
    assert failures_of(attempts) == after(1, 3, 4)
    assert failures_of(attempts[:3]) == after(1)


@pytest.mark.parametrize(
    ("ip", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_failures_count_for_an_address_or_a_network_of_one_site(ip: str, address: str) -> None:
    assert lockout_address(ip) == address
