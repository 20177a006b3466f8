"""Missed deadlines of dead-man switches become kill switches and commands, in one transaction.

One worker, the holder of lease 0, calls it each second. After an outage, in which clients could not
report themselves, each missed deadline gets one fresh timeout instead: at the first call after the
database was not available, and at the first one of a holder before which no worker ran for a part
of the time since the last beat. A holder that only takes over from another worker fires at once.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.commands.command import OWN_REQUEST_ID_PREFIX, SYSTEM_ACTOR
from oms.domain.errors import Unavailable
from oms.domain.risk.deadman import DeadmanAction, DeadmanSwitch
from oms.domain.risk.kill_switch import KillMode, KillScope, KillSwitch, deadman_name
from oms.ports.admin.deadman_switches import DeadmanStore
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.ports.command_queue import NewCommand
from oms.ports.ids import IdBlocks
from oms.ports.notifier import Notifier, Topic
from oms.services.access.change_notices import CHANGED
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint

logger = logging.getLogger(__name__)

ACTOR = "dead-man switch"
#: ``deadman_switches.comment`` is up to 255 characters; kill switches have as many.
COMMENT_CHARACTERS_MAX = 255


@dataclass(slots=True, kw_only=True)
class FireDeadman:
    """Fires the switches that missed their deadlines."""

    switches: DeadmanStore
    ids: IdBlocks
    clock: Clock
    notifier: Notifier
    #: Whether the last call could read the switches.
    _has_looked: bool = False
    #: Whether the database was not available to the last call.
    _has_failed: bool = False

    async def __call__(self, works_since: datetime | None = None) -> int:
        """Fire what is overdue; returns how many switches fired. Raises ``Unavailable``.

        ``works_since`` is the time from which on workers have run without a gap; ``None``: not
        known. A switch that fails is logged, and tried again by the next call; it delays no other.
        """
        now, fired = self.clock.now(), 0
        try:
            for switch in await self.switches.overdue(now):
                try:
                    fired += await self._extend_or_fire(switch, now, works_since)
                except Unavailable:
                    raise
                except Exception:
                    logger.exception("deadman_failed deadman_id=%d", switch.id)
        except Unavailable:
            self._has_looked, self._has_failed = False, True
            raise
        finally:
            if fired:
                self.notifier.notify(Topic.SWITCHES, [CHANGED])
                self.notifier.notify(Topic.COMMANDS)
        self._has_looked, self._has_failed = True, False
        return fired

    def forget(self) -> None:
        """Treat the next call as the first: another worker held the lease meanwhile."""
        self._has_looked = False

    async def _extend_or_fire(
        self, switch: DeadmanSwitch, now: datetime, works_since: datetime | None
    ) -> bool:
        """Return whether the switch fired."""
        had_time = works_since is not None and works_since <= switch.beat_at
        if self._has_looked or switch.is_extended or (had_time and not self._has_failed):
            return await self._fire(switch, now)
        await self.switches.extend(switch, now)
        return False

    async def _fire(self, switch: DeadmanSwitch, now: datetime) -> bool:
        comment = f"dead-man switch {switch.id} missed its deadline"
        if switch.comment is not None:
            comment = f"{comment}: {switch.comment}"[:COMMENT_CHARACTERS_MAX]
        kill_switches = [
            await self._kill_switch(switch, scope, scope_id, comment, now)
            for scope, scope_id in _scopes(switch)
            if switch.action is not DeadmanAction.CANCEL_ENTRIES
        ]
        kill_ids = {(each.scope, each.scope_id): each.id for each in kill_switches}
        commands = [
            await self._command(switch, account_id, target, kill_ids.get(target, 0), comment, now)
            for target in _scopes(switch)
            for account_id in _accounts_of(switch, target)
        ]
        context = AuditContext(actor=ACTOR, at=now, comment=comment)
        has_fired = await self.switches.fire(switch, kill_switches, commands, context)
        if has_fired:
            logger.warning("deadman_fired deadman_id=%d action=%s", switch.id, switch.action.value)
        return has_fired

    async def _kill_switch(
        self, switch: DeadmanSwitch, scope: KillScope, scope_id: str, comment: str, now: datetime
    ) -> KillSwitch:
        return KillSwitch(
            id=await self.ids.allocate("kill"),
            scope=scope,
            scope_id=scope_id,
            mode=KillMode.REDUCE_ONLY,
            comment=comment,
            cancel_entries=True,
            flatten=switch.action is DeadmanAction.FLATTEN,
            cause=switch.cause,
            set_by=ACTOR,
            set_at=now,
        )

    async def _command(
        self,
        switch: DeadmanSwitch,
        account_id: int,
        target: tuple[KillScope, str],
        kill_id: int,
        comment: str,
        now: datetime,
    ) -> NewCommand:
        scope, scope_id = target
        payload = EnforceKillSwitch(
            kill_id=kill_id,
            scope=scope.value,
            scope_id=scope_id,
            mode=KillMode.REDUCE_ONLY.value,
            cancel_entries=True,
            flatten=switch.action is DeadmanAction.FLATTEN,
            comment=comment,
            deadman_id=switch.id,
        )
        command_type, text = command_type_of(payload), encode_payload(payload)
        return NewCommand(
            id=await self.ids.allocate("command"),
            account_id=account_id,
            command_type=command_type,
            payload=text,
            fingerprint=payload_fingerprint(command_type, text),
            actor=SYSTEM_ACTOR,
            created_at=now,
            request_id=OWN_REQUEST_ID_PREFIX + deadman_name(switch.cause, scope, scope_id),
        )


def _scopes(switch: DeadmanSwitch) -> Iterator[tuple[KillScope, str]]:
    """Yield what the switch acts on: its strategies, or else its accounts."""
    for strategy_id in switch.strategy_ids:
        yield KillScope.STRATEGY, str(strategy_id)
    if not switch.strategy_ids:
        for account_id in switch.account_ids:
            yield KillScope.ACCOUNT, str(account_id)


def _accounts_of(switch: DeadmanSwitch, target: tuple[KillScope, str]) -> tuple[int, ...]:
    scope, scope_id = target
    return (int(scope_id),) if scope is KillScope.ACCOUNT else switch.account_ids
