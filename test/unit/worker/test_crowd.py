"""Commits of half a crowd, whatever its size, within bounds."""

import pytest

from oms.worker.crowd import CHUNK_MAX, CHUNK_MIN, Crowd


@pytest.mark.parametrize(
    ("here", "chunk"),
    [(1, CHUNK_MIN), (16, 8), (40, 20), (64, 32), (256, CHUNK_MAX), (1000, CHUNK_MAX)],
)
def test_half_of_those_who_wait_within_bounds(here: int, chunk: int) -> None:
    assert Crowd().chunk(here) == chunk


def test_halves_that_come_in_turns_are_not_halved_again() -> None:
    crowd = Crowd()
    crowd.chunk(64)
    turns = [crowd.chunk(32 if number % 8 else 64) for number in range(80)]
    assert {*turns} <= {30, 31, 32}


def test_a_crowd_that_left_is_forgotten() -> None:
    crowd = Crowd()
    crowd.chunk(200)
    chunks = [crowd.chunk(1) for _ in range(1000)]
    assert chunks == sorted(chunks, reverse=True)
    assert chunks[-1] == CHUNK_MIN
