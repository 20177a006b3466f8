"""The beginning of the day over which losses are counted."""

from datetime import UTC, datetime

import pytest

from oms.domain.risk.risk_day import day_start


@pytest.mark.parametrize(
    ("now", "zone", "begins"),
    [
        ("2026-01-10T12:00", "UTC", "2026-01-10T00:00"),
        ("2026-01-10T12:00", "Asia/Tokyo", "2026-01-09T15:00"),
        ("2026-01-10T15:00", "Asia/Tokyo", "2026-01-10T15:00"),
        ("2026-01-10T14:59", "Asia/Tokyo", "2026-01-09T15:00"),
        ("2026-03-29T12:00", "Europe/Berlin", "2026-03-28T23:00"),
        ("2026-03-30T12:00", "Europe/Berlin", "2026-03-29T22:00"),
        # Clocks of Beirut go from 0:00 to 1:00 on this day.
        ("2026-03-29T12:00", "Asia/Beirut", "2026-03-28T22:00"),
        # Those of Havana go from 1:00 back to 0:00: the first midnight counts.
        ("2026-11-01T12:00", "America/Havana", "2026-11-01T04:00"),
    ],
)
def test_a_day_begins_at_midnight_of_its_zone(now: str, zone: str, begins: str) -> None:
    start = day_start(datetime.fromisoformat(now).replace(tzinfo=UTC), zone)
    assert f"{start:%Y-%m-%dT%H:%M}" == begins and start.tzinfo is UTC
