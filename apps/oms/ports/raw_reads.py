"""Reads of what exchanges told."""

from collections.abc import Collection
from typing import Protocol

from oms.ports.history import Page, Window
from oms.ports.raw import RawOrder, RawTrade


class RawRows(Protocol):
    """Reads of what was told; windows filter on ``observed_at``. Raises ``Unavailable``."""

    async def orders(self, window: Window) -> Page[RawOrder]:
        """Versions of orders."""
        ...

    async def trades(self, window: Window) -> Page[RawTrade]:
        """Executions."""
        ...

    async def known(self, account_id: int, fingerprints: Collection[str]) -> frozenset[str]:
        """Which of the fingerprints are stored of orders or trades of the account."""
        ...

    async def trades_called(
        self, account_id: int, names: Collection[str]
    ) -> frozenset[tuple[str, str]]:
        """Symbol and id of stored trades of the account that have one of the ids."""
        ...
