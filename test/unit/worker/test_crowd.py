"""Commits of half a crowd, whatever its size, within bounds."""

import pytest

from oms.worker.crowd import CHUNK_MAX, CHUNK_MIN, Crowd


@pytest.mark.parametrize(
    ("here", "chunk"),
    [(1, CHUNK_MIN), (16, 9), (40, 22), (64, 36), (256, CHUNK_MAX), (1000, CHUNK_MAX)],
)
def test_a_little_more_than_half_of_those_here_within_bounds(here: int, chunk: int) -> None:
    assert Crowd().chunk(here) == chunk


def test_halves_that_come_in_turns_are_not_halved_again() -> None:
    crowd = Crowd()
    crowd.chunk(64)
    turns = [crowd.chunk(32 if number % 8 else 64) for number in range(80)]
    assert {*turns} <= {34, 35, 36}


def test_small_parts_grow_until_they_are_halves() -> None:
    """Of 64 callers two parts are here at most; the others are answered and not back yet."""
    crowd, chunk = Crowd(), CHUNK_MIN
    for _ in range(50):
        chunk = crowd.chunk(min(2 * chunk, 64))
    assert 32 <= chunk <= 36


def test_a_crowd_that_left_is_forgotten() -> None:
    crowd = Crowd()
    crowd.chunk(200)
    chunks = [crowd.chunk(1) for _ in range(1000)]
    assert chunks == sorted(chunks, reverse=True)
    assert chunks[-1] == CHUNK_MIN
