"""Walk along a hash chain, and comparison of its stored end with its last link."""

from collections.abc import Awaitable, Callable

from oms.domain.audit_chain import GENESIS_HASH
from oms.ports.audit_log import ChainHead
from oms.services.verify.findings import Finding, compare_values, make_finding

GENESIS = ChainHead(length=0, hash=GENESIS_HASH)
"""The end of an empty chain."""


async def check_chain(
    chain_id: int,
    read_head: Callable[[], Awaitable[ChainHead | None]],
    read_on: Callable[[ChainHead], Awaitable[ChainHead]],
) -> list[Finding]:
    """Read a chain to its last link and return the findings about its stored end.

    ``read_on`` checks the links after an end and returns the new end, the same one if there are no
    more. Links are appended with the head, so the head is never behind links that were read before.
    """
    end = GENESIS
    while (after := await read_on(end)) != end:
        end = after
    head = await read_head()
    while head is not None and _is_ahead(head, end):
        after = await read_on(end)
        if after == end:
            break
        end = after
    return _check_head(chain_id, head, end)


def _is_ahead(head: ChainHead, end: ChainHead) -> bool:
    return isinstance(head.length, int) and head.length > end.length


def _check_head(chain_id: int, head: ChainHead | None, end: ChainHead) -> list[Finding]:
    if head is None:
        expected = f"the end of {end.length} links"
        return [make_finding("chain_head", "audit_chain", chain_id, expected, None)]
    return [
        *compare_values("chain_length", "audit_chain", chain_id, end.length, head.length),
        *compare_values("chain_head", "audit_chain", chain_id, end.hash, head.hash),
    ]
