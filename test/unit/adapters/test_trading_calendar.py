"""Tests the sessions of US stocks: openings, holidays, early closes and the change of clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from oms.adapters.trading_calendar import LibraryCalendar, load_sessions
from oms.domain.market_hours import Session, UnknownHours, session_of

CALENDAR = LibraryCalendar()


def hours_at(text: str):
    return CALENDAR.hours(Session.US_EQUITY, datetime.fromisoformat(f"{text}+00:00"))


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2025-07-15T13:29", False),
        ("2025-07-15T13:30", True),
        ("2025-07-15T19:59", True),
        ("2025-07-15T20:00", False),
        ("2025-01-15T14:29", False),
        ("2025-01-15T14:30", True),
        ("2025-11-28T17:59", True),
        ("2025-11-28T18:00", False),
    ],
)
def test_a_session_is_open_from_its_open_to_before_its_close(at: str, is_open: bool) -> None:
    assert hours_at(at).is_open is is_open


def test_a_holiday_is_closed_all_day() -> None:
    assert not any(hours_at(f"2025-07-04T{hour:02}:{half}").is_open
                   for hour in range(24) for half in ("00", "30"))  # fmt: skip


def test_the_next_open_and_close_pass_over_weekends_and_holidays() -> None:
    after_early_close = hours_at("2025-11-28T18:00")

    assert after_early_close.next_open == datetime(2025, 12, 1, 14, 30, tzinfo=UTC)
    assert after_early_close.next_close == datetime(2025, 12, 1, 21, tzinfo=UTC)
    during = hours_at("2025-11-26T15:00")
    assert during.next_close == datetime(2025, 11, 26, 21, tzinfo=UTC)
    assert during.next_open == datetime(2025, 11, 28, 14, 30, tzinfo=UTC)


def test_the_calendar_reaches_a_year_ahead_and_no_guess_is_made_beyond() -> None:
    ahead = datetime.now(UTC) + timedelta(days=366)
    last = load_sessions(Session.US_EQUITY)[-1]

    assert CALENDAR.hours(Session.US_EQUITY, ahead).next_open > ahead
    for at in (last.opens_at, datetime(1990, 1, 2, 15, tzinfo=UTC)):
        with pytest.raises(UnknownHours, match="does not reach"):
            CALENDAR.hours(Session.US_EQUITY, at)


def test_a_ticker_has_the_sessions_of_us_stocks() -> None:
    assert session_of("AAPL") is Session.US_EQUITY
    assert session_of("BTC/USDT") is Session.CONTINUOUS
