"""Strategies and the accounts they are linked to."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.value import value
from oms.ports.audit_log import AuditContext


@value
class StrategyRow:
    """A strategy; ``account_ids`` are its linked accounts, ascending."""

    id: int
    name: str
    status: str
    client_strategy_id: int | None = None
    account_ids: tuple[int, ...] = ()


@value
class StrategyChange:
    """Changes of a strategy; ``None`` keeps."""

    name: str | None = None
    status: str | None = None
    client_strategy_id: int | None = None
    clears_client_id: bool = False
    #: Replaces the linked accounts.
    account_ids: tuple[int, ...] | None = None

    def apply_to(self, before: StrategyRow) -> StrategyRow:
        """Return the strategy after the change."""
        client_id = self.client_strategy_id
        if client_id is None and not self.clears_client_id:
            client_id = before.client_strategy_id
        linked = before.account_ids if self.account_ids is None else self.account_ids
        return StrategyRow(
            id=before.id,
            name=self.name or before.name,
            status=self.status or before.status,
            client_strategy_id=client_id,
            account_ids=tuple(sorted(linked)),
        )


class Strategies(Protocol):
    """The strategies; every method raises ``Unavailable``."""

    async def all(self) -> Sequence[StrategyRow]:
        """Return all strategies, active ones first, then by name."""
        ...

    async def closed_strategy_ids(self, account_id: int) -> frozenset[int]:
        """Return strategies that may not open or increase positions on the account."""
        ...

    async def create(
        self,
        name: str,
        client_strategy_id: int | None,
        account_ids: Sequence[int],
        audit_context: AuditContext,
    ) -> int:
        """Create a strategy; returns its id. Raises ``Conflict`` (name taken), ``NotFound``
        (account).
        """
        ...

    async def change(
        self, strategy_id: int, change: StrategyChange, audit_context: AuditContext
    ) -> int:
        """Change a strategy; returns the number of changed rows.

        Raises ``Conflict``, ``NotFound``.
        """
        ...
