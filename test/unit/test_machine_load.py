"""Limits of durations on a busy machine."""

import time
from itertools import chain, repeat

import pytest

from kit import machine_load


@pytest.mark.parametrize(("taken", "limit"), [(0.01, 5.0), (0.02, 5.0), (0.04, 10.0), (0.4, 100.0)])
def test_limit_grows_with_the_start_of_an_interpreter(
    monkeypatch: pytest.MonkeyPatch, taken: float, limit: float
) -> None:
    monkeypatch.setattr(machine_load, "start_seconds", lambda: taken)
    assert machine_load.stretch(5.0) == pytest.approx(limit)


def test_load_that_ends_before_the_duration_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = chain([0.2, 0.2], repeat(0.01))
    monkeypatch.setattr(machine_load, "start_seconds", lambda: next(taken))
    monkeypatch.setattr(machine_load, "PAUSE_SECONDS", 0.01)
    with machine_load.LoadMeter() as load:
        time.sleep(0.1)
    assert 5.0 < load.stretch(5.0) <= 50.0


def test_start_of_an_interpreter_is_measured() -> None:
    assert machine_load.start_seconds() > 0
