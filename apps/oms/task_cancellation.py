"""Cancellation of tasks that ends them for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

REPEAT_SECONDS = 2.0
"""A task that has not ended so long after its cancellation is cancelled again."""


async def cancel_all(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel ``tasks`` and wait until all have ended; their results and errors are left in them.

    A cancellation can be lost: ``asyncio.wait_for`` of Python 3.11, which libraries use, returns
    the result instead if what it waits for ends at the same moment. It is therefore repeated.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=REPEAT_SECONDS)
