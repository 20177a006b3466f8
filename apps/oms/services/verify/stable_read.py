"""A look that nothing changed under: the gateway may work while its books are checked."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from oms.services.verify.findings import Finding

READ_ATTEMPTS_MAX = 50
"""Looks at a row that changes under each; then it is left alone."""

Mark = TypeVar("Mark")


async def read_stable(
    mark: Callable[[], Awaitable[Mark]], inspect: Callable[[Mark], Awaitable[Sequence[Finding]]]
) -> Sequence[Finding]:
    """What a look finds that nothing changed under: the mark before it is the mark after it."""
    before = await mark()
    for _ in range(READ_ATTEMPTS_MAX):
        found = await inspect(before)
        after = await mark()
        if before == after or not found:
            return found
        before = after
    return ()
