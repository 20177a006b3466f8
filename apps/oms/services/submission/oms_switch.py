"""The switch of the whole gateway: a kill switch of scope global with the cause ``switch``.

Enabling releases only what this switch activated. A global switch that a person activated stays,
and keeps the gateway disabled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.access import Principal
from oms.domain.risk.kill_switch import SWITCH_CAUSE, KillMode, KillScope, KillSwitch
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.kill_switches import KillSwitchStore
from oms.services.submission.kill_switch_admin import KillSwitchAdmin, enforcement_of
from oms.wire.commands.oms_switch_requests import SOFT, SetOmsSwitch, disabling_switch


@dataclass(frozen=True, slots=True, kw_only=True)
class OmsSwitch:
    """Enables and disables the gateway. Every method raises ``Unavailable``."""

    admin: KillSwitchAdmin

    async def active(self) -> Sequence[KillSwitch]:
        """Return the active switches over all accounts; without one the gateway is enabled."""
        rows = await self.admin.kills.all(is_on=True, limit=None)
        return [row for row in rows if row.scope is KillScope.GLOBAL]

    async def change(
        self, principal: Principal, request: SetOmsSwitch, audit_context: AuditContext
    ) -> Sequence[KillSwitch]:
        """Enable or disable. Returns the switches that changed. Raises ``Forbidden``.

        Enabling needs neither a confirmation nor the minimum time of other releases.
        """
        if request.activation is not None:
            return [await self.admin.activate(principal, request.activation, audit_context)]
        enabling = enforcement_of(disabling_switch(SOFT, request.comment))
        await self.admin.check(principal, evolve(enabling, on=False))
        released = [
            await self.admin.release_stored(switch.id, audit_context)
            for switch in await self.active()
            if switch.cause == SWITCH_CAUSE
        ]
        return [switch for switch in released if switch is not None]


async def disable_at_installation(kills: KillSwitchStore, now: datetime) -> None:
    """Disable a new gateway; does nothing where the switch was used. Raises ``Unavailable``."""
    if any(row.cause == SWITCH_CAUSE for row in await kills.all(is_on=False, limit=None)):
        return
    comment = "disabled by the setting enabled at the installation"
    context = AuditContext(actor="installation", at=now, comment=comment)
    switch = KillSwitch(
        id=0,
        scope=KillScope.GLOBAL,
        scope_id="",
        mode=KillMode.REDUCE_ONLY,
        comment=comment,
        cancel_entries=False,
        cause=SWITCH_CAUSE,
        set_by=context.actor,
        set_at=now,
    )
    await kills.activate(switch, context)
