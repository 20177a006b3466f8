"""Waiting for a condition, with a deadline, instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

LOOK_EVERY_SECONDS = 0.02


def until(look: Callable[[], Value], seconds: float, what: str) -> Value:
    """The first true value that ``look`` returns; fails naming ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(LOOK_EVERY_SECONDS)
    return value
