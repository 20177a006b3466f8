"""Storage of kill switches: written by the API, read by every worker."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.risk.kill_switch import KillSwitch
from oms.ports.audit_log import AuditContext


class KillSwitchStore(Protocol):
    """Reads and writes switches; every method raises ``Unavailable``."""

    async def activate(self, switch: KillSwitch, audit_context: AuditContext) -> KillSwitch:
        """Store a new switch with its audit row in one transaction; assigns the id.

        A switch that is not bound to an account is also reported in the event stream of account 0.
        """
        ...

    async def release(self, switch_id: int, audit_context: AuditContext) -> KillSwitch | None:
        """Release a switch, reported as by ``activate``; ``None`` if it was released before."""
        ...

    async def find(self, switch_id: int) -> KillSwitch | None:
        """Return a switch, active or released."""
        ...

    async def all(self, *, is_on: bool, limit: int | None) -> Sequence[KillSwitch]:
        """Return the newest switches (``None``: all), ascending; with ``is_on`` active ones."""
        ...

    async def commands(self, switch: KillSwitch) -> Sequence[tuple[int, int, str, str | None]]:
        """Return (account id, command id, status, result) of the commands caused by a switch."""
        ...
