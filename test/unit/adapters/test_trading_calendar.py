"""Tests the sessions of US stocks: openings, holidays, early closes and the change of clocks."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from oms.adapters.trading_calendar import LibraryCalendar, load_sessions
from oms.domain.market_hours import Session, UnknownHours, session_of
from oms.domain.session_override import SessionOverride

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


def an_override(day: str, opens: str | None = None, closes: str | None = None) -> SessionOverride:
    return SessionOverride(
        session=Session.US_EQUITY,
        day=date.fromisoformat(day),
        opens=None if opens is None else time.fromisoformat(opens),
        closes=None if closes is None else time.fromisoformat(closes),
        comment="test",
        set_at=datetime(2025, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("override", "at", "is_open", "next_open"),
    [
        (an_override("2025-07-15"), "2025-07-15T15:00", False, "2025-07-16T13:30"),
        (an_override("2025-07-15"), "2025-07-14T20:00", False, "2025-07-16T13:30"),
        # An early close in summer and in winter: local times.
        (an_override("2025-07-15", "09:30", "13:00"), "2025-07-15T16:59", True, "2025-07-16T13:30"),
        (
            an_override("2025-07-15", "09:30", "13:00"),
            "2025-07-15T17:00",
            False,
            "2025-07-16T13:30",
        ),
        (an_override("2025-01-15", "09:30", "13:00"), "2025-01-15T17:59", True, "2025-01-16T14:30"),
        # A late open, a Saturday, a holiday, the earlier hours of an early close.
        (
            an_override("2025-07-15", "11:00", "16:00"),
            "2025-07-15T13:30",
            False,
            "2025-07-15T15:00",
        ),
        (an_override("2025-07-19", "10:00", "12:00"), "2025-07-19T15:00", True, "2025-07-21T13:30"),
        (
            an_override("2025-07-04", "09:30", "16:00"),
            "2025-07-03T20:00",
            False,
            "2025-07-04T13:30",
        ),
        (an_override("2025-11-28", "09:30", "16:00"), "2025-11-28T18:00", True, "2025-12-01T14:30"),
    ],
)
def test_an_override_replaces_the_whole_day(
    override: SessionOverride, at: str, is_open: bool, next_open: str
) -> None:
    calendar = LibraryCalendar()
    calendar.set_overrides([override])

    hours = calendar.hours(Session.US_EQUITY, datetime.fromisoformat(f"{at}+00:00"))

    assert hours.is_open is is_open
    assert hours.next_open == datetime.fromisoformat(f"{next_open}+00:00")


def test_the_version_grows_with_each_change_of_overrides() -> None:
    calendar = LibraryCalendar()
    assert calendar.version() == 0
    for overrides, version in (([an_override("2025-07-15")], 1), ([], 2)):
        for _ in range(2):
            calendar.set_overrides(overrides)
            assert calendar.version() == version
    at = datetime(2025, 7, 15, 15, tzinfo=UTC)
    assert calendar.hours(Session.US_EQUITY, at) == CALENDAR.hours(Session.US_EQUITY, at)


def test_days_beyond_the_calendar_stay_unknown() -> None:
    last = load_sessions(Session.US_EQUITY)[-1]
    beyond = (last.opens_at + timedelta(days=10)).date().isoformat()
    calendar = LibraryCalendar()
    calendar.set_overrides([an_override(beyond, "09:30", "16:00")])

    with pytest.raises(UnknownHours, match="does not reach"):
        calendar.hours(Session.US_EQUITY, last.opens_at)
