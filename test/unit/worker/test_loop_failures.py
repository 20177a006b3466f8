"""Failed rounds of a worker's loops, as its heartbeat reports them."""

from oms.worker.loop_failures import RECENT_SECONDS, LoopFailures


def test_failures_are_counted_and_are_recent_for_a_minute() -> None:
    now = 50.0
    failures = LoopFailures(monotonic=lambda: now)
    assert failures.status_fields() == {"loop_restarts": {}, "failing_loops": []}
    failures.note("drain")
    failures.note("drain")
    now += RECENT_SECONDS / 2
    failures.note("deadman")
    assert failures.status_fields() == {
        "loop_restarts": {"drain": 2, "deadman": 1},
        "failing_loops": ["deadman", "drain"],
    }
    now += RECENT_SECONDS / 2
    assert failures.status_fields()["failing_loops"] == ["deadman"]
