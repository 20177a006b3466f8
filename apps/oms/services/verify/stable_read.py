"""Repeated reads until nothing changed meanwhile, as the gateway may run during a verification."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from oms.services.verify.findings import Finding

READ_ATTEMPTS_MAX = 50
"""Maximum number of checks of a row that keeps changing; then it has no findings."""

Marker = TypeVar("Marker")


async def read_stable(
    read_marker: Callable[[], Awaitable[Marker]],
    inspect: Callable[[Marker], Awaitable[Sequence[Finding]]],
) -> Sequence[Finding]:
    """Return the findings of an inspection whose marker is equal before and after it."""
    before = await read_marker()
    for _ in range(READ_ATTEMPTS_MAX):
        findings = await inspect(before)
        after = await read_marker()
        if before == after or not findings:
            return findings
        before = after
    return ()
