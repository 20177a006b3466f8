"""Limits of durations on a busy machine."""

import pytest

from kit import machine_load


@pytest.mark.parametrize(("taken", "limit"), [(0.01, 5.0), (0.05, 5.0), (0.1, 10.0), (1.0, 100.0)])
def test_limit_grows_with_the_start_of_an_interpreter(
    monkeypatch: pytest.MonkeyPatch, taken: float, limit: float
) -> None:
    monkeypatch.setattr(machine_load, "start_seconds", lambda: taken)
    assert machine_load.stretch(5.0) == pytest.approx(limit)


def test_start_of_an_interpreter_is_measured() -> None:
    assert machine_load.start_seconds() > 0
