"""Storage of risk policies.

Limits of an account are written by its worker with the ledger, those of other scopes here.
"""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.risk.policy import LimitChange, PolicyScope, StoredLimits
from oms.ports.audit_log import AuditContext


class RiskPolicyStore(Protocol):
    """Reads and writes limits; every method raises ``Unavailable``."""

    async def shared(self) -> StoredLimits:
        """Return the limits of the scopes ``global`` and ``strategy``."""
        ...

    async def of_scope(self, scope: PolicyScope, scope_id: int) -> StoredLimits:
        """Return the limits of one scope."""
        ...

    async def change(
        self,
        scope: PolicyScope,
        scope_id: int,
        changes: Sequence[LimitChange],
        audit_context: AuditContext,
    ) -> None:
        """Store changes of the scope ``global`` or of a strategy in one transaction.

        The audit row holds the values before and after; the change is reported in the event stream
        of account 0.
        """
        ...
