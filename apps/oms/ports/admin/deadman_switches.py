"""Storage of dead-man switches: armed by the API, beaten by clients, fired by one worker."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.risk.deadman import DeadmanSwitch
from oms.domain.risk.kill_switch import KillSwitch
from oms.ports.audit_log import AuditContext
from oms.ports.command_queue import NewCommand


class DeadmanStore(Protocol):
    """Reads and writes dead-man switches; every method raises ``Unavailable``."""

    async def arm(self, switch: DeadmanSwitch, audit_context: AuditContext) -> DeadmanSwitch:
        """Store a new switch with its audit row; assigns the id."""
        ...

    async def beat(self, switch_ids: Sequence[int], at: datetime) -> int:
        """Move the deadlines of armed switches to their timeout after ``at``; returns how many."""
        ...

    async def disarm(self, switch_id: int, audit_context: AuditContext) -> DeadmanSwitch | None:
        """Disarm an armed or fired switch with its audit row; ``None`` if it was disarmed."""
        ...

    async def find(self, switch_id: int) -> DeadmanSwitch | None:
        """Return a switch in any state."""
        ...

    async def all(self, *, is_active: bool, limit: int) -> Sequence[DeadmanSwitch]:
        """Return the newest switches, ascending; with ``is_active`` armed and fired ones."""
        ...

    async def overdue(self, now: datetime) -> Sequence[DeadmanSwitch]:
        """Return the armed switches whose deadline has passed."""
        ...

    async def extend(self, switch: DeadmanSwitch, now: datetime) -> None:
        """Give an armed switch a fresh timeout, unless its deadline has changed meanwhile."""
        ...

    async def fire(
        self,
        switch: DeadmanSwitch,
        kill_switches: Sequence[KillSwitch],
        commands: Sequence[NewCommand],
        audit_context: AuditContext,
    ) -> bool:
        """Store in one transaction that a switch fired, its kill switches and its commands.

        The ids of the kill switches are assigned. Returns ``False``, and stores nothing, if the
        switch is not armed any more or its deadline has changed meanwhile.
        """
        ...
