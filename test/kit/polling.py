"""Waiting for a condition, with a deadline, instead of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")

LOOK_EVERY_SECONDS = 0.02


def wait_until(look: Callable[[], Value], seconds: float, what: str) -> Value:
    """The first true value that ``look`` returns; fails naming ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(LOOK_EVERY_SECONDS)
    return value


async def poll_until(
    ask: Callable[[], Awaitable[Value]], is_it: Callable[[Value], object], seconds: float = 10
) -> Value:
    """The first answer of ``ask`` that is the one; fails after ``seconds``."""
    async with asyncio.timeout(seconds):
        while True:
            if is_it(told := await ask()):
                return told
            await asyncio.sleep(LOOK_EVERY_SECONDS)
