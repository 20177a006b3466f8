"""Until when balances may be used."""

from datetime import UTC, datetime, timedelta

import pytest

from oms.domain.performance.balances import Balances

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize(
    ("age", "deal_age", "is_current"),
    [
        (180, None, True),
        (180.1, None, False),
        (100, 100, True),
        (100, 15, True),
        (100, 15.1, False),
        (100, 3600, True),
        (181, 1, False),
    ],
    ids=str,
)
def test_balances_are_used_until_they_are_old_or_miss_a_deal(
    age: float, deal_age: float | None, is_current: bool
) -> None:
    balances = Balances(amounts={}, as_of=NOON - _seconds(age))
    deal_at = None if deal_age is None else NOON - _seconds(deal_age)
    assert balances.are_current(NOON, deal_at) is is_current
    assert balances.contain(deal_at) is (deal_age is None or deal_age >= age)


def test_balances_of_paper_accounts_have_no_age() -> None:
    balances = Balances(amounts={})
    assert balances.are_current(NOON, NOON) and balances.contain(NOON)
