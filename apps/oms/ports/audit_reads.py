"""Reads for checking the books: what no caller asks for and no home holds."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.deal import Deal
from oms.ports.exchange import MemoryRows


class AuditReads(Protocol):
    """What ``oms verify`` reads beside the histories. Every method raises ``Unavailable``."""

    async def deals_of_positions(self, position_ids: Sequence[int]) -> Sequence[Deal]:
        """Deals of the positions, ascending by id."""
        ...

    async def commands_with_several_orders(self, account_id: int) -> Sequence[int]:
        """Ids of commands that made more than one order, ascending."""
        ...

    async def paper_memory(self, account_id: int) -> MemoryRows:
        """The stored memory of the account's paper exchange; no lease is needed to look."""
        ...
