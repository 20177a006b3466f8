"""Since when workers have run without a gap."""

import json
from datetime import timedelta

from kit.builders import NOON
from oms.ports.leases import WorkerRow
from oms.worker.continuity import Continuity


def _row(**fields: object) -> WorkerRow:
    return WorkerRow(worker_id="w", host="h", heartbeat_age_seconds=1.0, status=json.dumps(fields))


def _running(seconds: int) -> WorkerRow:
    """Return the heartbeat of a worker that began so many seconds before noon."""
    running = Continuity()
    running.begin(NOON - timedelta(seconds=seconds), [])
    return _row(**running.status_fields())


def test_the_first_worker_begins_now() -> None:
    first = Continuity()
    assert first.status_fields() == {"works_since": None}
    first.begin(NOON, [])
    assert first.since == NOON
    first.begin(NOON + timedelta(seconds=9), [])
    assert first.since == NOON


def test_a_worker_takes_over_the_time_of_the_others() -> None:
    second = Continuity()
    second.begin(NOON, [_running(60), _row(works_since=None), _row()])
    assert second.since == NOON - timedelta(seconds=60)
    third = Continuity()
    third.begin(NOON, [_running(60), _running(20)])
    assert third.since == NOON - timedelta(seconds=20), "one of them knows of an interruption"
    behind = Continuity()
    behind.begin(NOON, [_running(-5)])
    assert behind.since == NOON, "another host's clock is ahead"


def test_a_worker_without_a_database_begins_again() -> None:
    worker = Continuity()
    worker.begin(NOON, [])
    worker.interrupt()
    assert worker.since is None
    later = NOON + timedelta(seconds=3)
    worker.begin(later, [_running(60)])
    assert worker.since == later
