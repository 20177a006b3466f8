"""Commits of half a crowd, whatever its size, within bounds."""

import pytest

from oms.worker.batch_size import BATCH_MAX, BATCH_MIN, AdaptiveBatchSize


@pytest.mark.parametrize(
    ("here", "batch_size"),
    [(1, BATCH_MIN), (16, 9), (40, 22), (64, 36), (256, BATCH_MAX), (1000, BATCH_MAX)],
)
def test_a_little_more_than_half_of_those_here_within_bounds(here: int, batch_size: int) -> None:
    assert AdaptiveBatchSize().batch_size(here) == batch_size


def test_halves_that_come_in_turns_are_not_halved_again() -> None:
    crowd = AdaptiveBatchSize()
    crowd.batch_size(64)
    turns = [crowd.batch_size(32 if number % 8 else 64) for number in range(80)]
    assert {*turns} <= {34, 35, 36}


def test_small_parts_grow_until_they_are_halves() -> None:
    """Of 64 callers two parts are here at most; the others are answered and not back yet."""
    crowd, batch_size = AdaptiveBatchSize(), BATCH_MIN
    for _ in range(50):
        batch_size = crowd.batch_size(min(2 * batch_size, 64))
    assert 32 <= batch_size <= 36


def test_a_crowd_that_left_is_forgotten() -> None:
    crowd = AdaptiveBatchSize()
    crowd.batch_size(200)
    chunks = [crowd.batch_size(1) for _ in range(1000)]
    assert chunks == sorted(chunks, reverse=True)
    assert chunks[-1] == BATCH_MIN
