"""Rounds of leases: how many workers share the accounts, and when the next round is."""

from oms.ports.leases import WorkerRow
from oms.worker.lease_rounds import SHORT_ROUND_SECONDS, LeaseRounds


def _rounds(lease_seconds: float, *ages: float) -> tuple[int, float]:
    rounds = LeaseRounds()
    rows = [
        WorkerRow(worker_id=str(number), host="h", heartbeat_age_seconds=age, status="{}")
        for number, age in enumerate(ages)
    ]
    rounds.update(lease_seconds, rows)
    return rounds.alive, round(rounds.wait_seconds, 3)


def test_workers_that_send_heartbeats_share_with_long_rounds() -> None:
    assert _rounds(5, 0, 0.5) == (2, 0.5)
    assert _rounds(60, 0, 0.5, 3) == (3, 0.5)
    assert _rounds(0.6, 0, 0.1) == (2, 0.2)


def test_one_that_sends_none_has_no_share_before_its_leases_expire() -> None:
    assert _rounds(5, 0, 3.4) == (1, 0.5)
    assert _rounds(60, 0, 41) == (1, 0.5)


def test_a_round_ends_when_leases_may_expire() -> None:
    """At 5 s: renewed each 0.5 s, and 0.5 s for a round: from an age of 4 s on."""
    assert _rounds(5, 0, 3.8) == (1, 0.2)
    assert _rounds(60, 0, 53.4) == (1, 0.1)


def test_rounds_are_short_while_leases_may_expire() -> None:
    for age in (4.0, 4.7, 5.4):
        assert _rounds(5, 0, age) == (1, SHORT_ROUND_SECONDS)
    assert _rounds(60, 0, 54) == (1, SHORT_ROUND_SECONDS)
