"""Kill switches as they are kept: pulled and released at the door, read by every worker."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.risk.kill_switch import KillSwitch
from oms.ports.audit_log import AuditContext


class KillSwitchStore(Protocol):
    """Reads and writes switches; every method raises ``Unavailable``."""

    async def pull(self, switch: KillSwitch, audit_context: AuditContext) -> KillSwitch:
        """Store a new switch (its id is given here) with its audit row, in one transaction.

        One that is not of an account is told in the stream of account 0 besides.
        """
        ...

    async def release(self, switch_id: int, audit_context: AuditContext) -> KillSwitch | None:
        """End a switch, told as ``pull`` tells; ``None`` if it was over before."""
        ...

    async def find(self, switch_id: int) -> KillSwitch | None:
        """A switch, also one that is over."""
        ...

    async def all(self, *, is_on: bool, limit: int) -> Sequence[KillSwitch]:
        """The newest switches, ascending; with ``is_on`` those that are not over."""
        ...

    async def commands(self, switch_id: int) -> Sequence[tuple[int, int, str, str | None]]:
        """(account id, command id, status, result) of what followed from a switch."""
        ...
