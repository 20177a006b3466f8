"""Work on large bodies in steps, between which a caller may let other requests run."""

import asyncio
import time
from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

Result = TypeVar("Result")
Item = TypeVar("Item")

Steps = Generator[None, None, Result]
"""Work that yields between its steps and returns its result."""

ITEMS_PER_STEP = 200

TURN_SECONDS = 0.005
"""How long steps are run one after the other before other requests run."""


def run_steps(steps: Steps[Result]) -> Result:
    """Return the result of all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            result: Result = ended.value
            return result


async def in_steps(steps: Steps[Result]) -> Result:
    """Return the result of the steps; other requests run after each ``TURN_SECONDS`` of them."""
    turn_end = time.monotonic() + TURN_SECONDS
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            result: Result = ended.value
            return result
        if time.monotonic() > turn_end:
            await asyncio.sleep(0)
            turn_end = time.monotonic() + TURN_SECONDS


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield the items in the numbers of one step."""
    for start in range(0, len(items), ITEMS_PER_STEP):
        yield items[start : start + ITEMS_PER_STEP]
