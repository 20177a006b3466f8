"""Polls a condition until it holds or a deadline passes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_SECONDS = 0.02


def wait_until(read: Callable[[], Value], seconds: float, what: str) -> Value:
    """Returns the first true value of ``read``; fails naming ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := read()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(POLL_SECONDS)
    return value


async def poll_until(
    read: Callable[[], Awaitable[Value]],
    is_expected: Callable[[Value], object],
    seconds: float = 10,
) -> Value:
    """Returns the first value of ``read`` for which ``is_expected`` holds.

    Raises TimeoutError, which names the last value, after ``seconds``.
    """
    value: object = "nothing was read"
    try:
        async with asyncio.timeout(seconds):
            while True:
                if is_expected(found := await read()):
                    return found
                value = found
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"not within {seconds:g} s; the last value: {value!r}") from None
