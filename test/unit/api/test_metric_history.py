"""Series of the metric history: their length is bounded and no peak is lost."""

from dataclasses import replace
from datetime import timedelta

from kit.builders import NOON
from oms.api.metrics.metric_history import MetricHistory, MetricSample

SAMPLE = MetricSample(
    at=NOON,
    requests=2,
    errors=1,
    commands=3,
    connections=5,
    outbox_lag_ms=0.5,
    database_ms=1.0,
    queue_depth=0,
    workers=2,
)


def history(count: int, **peak: int | float | None) -> MetricHistory:
    """Samples of 15 seconds; the seventh has other figures."""
    made = MetricHistory()
    for number in range(count):
        more = peak if number == 7 else {}
        at = NOON + timedelta(seconds=15 * number)
        made.add(replace(SAMPLE, at=at, **more))  # type: ignore[arg-type]
    return made


def test_a_short_series_has_every_sample_of_the_range() -> None:
    points = history(20).series(NOON + timedelta(seconds=60))
    assert [point.at for point in points] == [
        NOON + timedelta(seconds=15 * number) for number in range(4, 20)
    ]


def test_a_long_series_is_joined_and_keeps_counts_and_peaks() -> None:
    points = history(100, queue_depth=90, database_ms=40.0, workers=1).series(NOON, 10)
    assert len(points) == 10
    assert sum(point.requests for point in points) == 200
    assert [point.queue_depth for point in points].index(90) == 0
    assert (points[0].database_ms, points[0].workers, points[1].workers) == (40.0, 1, 2)
    assert points[-1].at == NOON + timedelta(seconds=15 * 99)


def test_unknown_figures_stay_unknown_and_only_a_day_is_kept() -> None:
    unknown = {"database_ms": None, "queue_depth": None, "workers": None}
    joined = history(9, **unknown).series(NOON + timedelta(seconds=105), 1)[0]
    assert joined.workers == 2
    alone = history(8, **unknown).series(NOON + timedelta(seconds=105))[0]
    assert (alone.workers, alone.queue_depth, alone.database_ms) == (None, None, None)
    assert len(history(6000).series(NOON, 10_000)) == 5760
