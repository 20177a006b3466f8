"""Work on large bodies in steps, between which a caller may let other requests run."""

from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

Result = TypeVar("Result")
Item = TypeVar("Item")

Steps = Generator[None, None, Result]
"""Work that yields between its steps and returns its result."""

ITEMS_PER_STEP = 200


def run_steps(steps: Steps[Result]) -> Result:
    """Return the result of all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            result: Result = ended.value
            return result


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield the items in the numbers of one step."""
    for start in range(0, len(items), ITEMS_PER_STEP):
        yield items[start : start + ITEMS_PER_STEP]
