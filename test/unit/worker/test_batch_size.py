"""Commits of about half of the commands in flight, within bounds."""

import pytest

from oms.worker.batch_size import BATCH_MAX, BATCH_MIN, AdaptiveBatchSize


@pytest.mark.parametrize(
    ("inflight", "batch_size"),
    [(1, BATCH_MIN), (16, 9), (40, 22), (64, 36), (256, BATCH_MAX), (1000, BATCH_MAX)],
)
def test_a_little_more_than_half_within_bounds(inflight: int, batch_size: int) -> None:
    assert AdaptiveBatchSize().batch_size(inflight) == batch_size


def test_alternating_halves_are_not_halved_again() -> None:
    adaptive = AdaptiveBatchSize()
    adaptive.batch_size(64)
    sizes = [adaptive.batch_size(32 if number % 8 else 64) for number in range(80)]
    assert {*sizes} <= {34, 35, 36}


def test_small_batches_grow_to_one_half() -> None:
    """Of 64 callers at most two batches are in flight; the others are between two commands."""
    adaptive, batch_size = AdaptiveBatchSize(), BATCH_MIN
    for _ in range(50):
        batch_size = adaptive.batch_size(min(2 * batch_size, 64))
    assert 32 <= batch_size <= 36


def test_an_old_peak_decays() -> None:
    adaptive = AdaptiveBatchSize()
    adaptive.batch_size(200)
    sizes = [adaptive.batch_size(1) for _ in range(1000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == BATCH_MIN
