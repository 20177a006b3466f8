"""Kill switches in the worker: the cache of active switches, and the execution of their commands.

The switches, and the limits of scopes over many accounts, are read when a command arrives, so an
idle worker sends no queries: again after a second, after a notice that they changed, and before a
command of a switch that is not known yet. Orders are checked against both at admission
(``domain.risk``).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.commands.command import (
    BreakEven,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    Command,
    CommandResult,
    CommandStatus,
    MergePositions,
)
from oms.domain.commands.command_targets import target_position_ids
from oms.domain.errors import Refused
from oms.domain.event import Event, Namespace
from oms.domain.risk.kill_switch import KillMode, KillScope, KillSwitch, refuse_killed
from oms.domain.value import evolve
from oms.ports.kill_switches import KillSwitchStore
from oms.services.account_state.state import AccountState
from oms.services.commands.bulk_close import BulkClose, CancelOne
from oms.services.commands.flatten import Flatten, applies_to, report_event, split_open
from oms.services.commands.risk_policy import SharedLimits
from oms.services.ledger.record import Changes
from oms.services.ledger.shared_credentials import find_other_senders
from oms.wire.json import dumps_fast

REFRESH_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class KillSwitchCache:
    """The active switches, at most a second old."""

    kills: KillSwitchStore
    #: Limits of scopes over many accounts, which are read together with the switches.
    limits: SharedLimits | None = None
    #: Seconds of a clock that is never set back: the age of what is cached.
    monotonic: Callable[[], float] = time.monotonic
    _active: Sequence[KillSwitch] = ()
    _read_at: float | None = None
    _has_changed: bool = False

    async def __call__(self, state: AccountState, command: Command | None = None) -> None:
        """Give the account the switches that may apply to it. Raises ``Unavailable``."""
        now = self.monotonic()
        if command is not None and isinstance(command.payload, EnforceKillSwitch):
            self._expect(command.payload)
        while self._read_at is None or now - self._read_at >= REFRESH_SECONDS:
            self._has_changed = False  # A notice that comes while it reads is not lost.
            self._active = tuple(await self.kills.all(is_on=True, limit=None))
            if self.limits is not None:
                await self.limits.refresh()
            self._read_at = None if self._has_changed else now
        if self.limits is not None and state.shared_limits is not self.limits.current:
            state.set_limits(shared=self.limits.current)
        if self._active or state.kill_switches:
            state.own_kills = tuple(each for each in state.own_kills if each[0] > now)
            own = {switch.id: switch for _, switch in state.own_kills}
            stored = {each.id: each for each in self._active if _may_apply(each, state.account.id)}
            state.kill_switches = tuple((own | stored).values())

    def forget(self) -> None:
        """Read again with the next command."""
        self._read_at, self._has_changed = None, True

    def _expect(self, payload: EnforceKillSwitch) -> None:
        """Read again if the switch of a command is not known as the command names it.

        A caller that waits for the command knows that later orders are checked against it.
        """
        is_known = any(switch.id == payload.kill_id for switch in self._active)
        if payload.kill_id and is_known is not payload.on:
            self._read_at = None


def _may_apply(switch: KillSwitch, account_id: int) -> bool:
    return switch.scope is not KillScope.ACCOUNT or switch.scope_id == str(account_id)


def refuse_position_command(state: AccountState, command: Command) -> Refused | None:
    """Refuse commands on positions that a switch blocks; orders are checked at admission.

    ``cancel_only`` permits changes of stop levels, ``halt`` permits nothing but cancels.
    """
    payload = command.payload
    if not state.kill_switches or not isinstance(
        payload, CloseBy | MergePositions | ChangePosition | BreakEven
    ):
        return None
    for position_id in target_position_ids(payload):
        position = state.positions.get(position_id)
        if position is None:
            continue
        switch = state.kill_switch_for(
            position.symbol, position.strategy_id, command.actor.api_key_id
        )
        if isinstance(payload, ChangePosition | BreakEven) and not _is_halt(switch):
            continue
        refused = refuse_killed(switch, opens=False)
        if refused is not None:
            return refused
    return None


def _is_halt(switch: KillSwitch | None) -> bool:
    return switch is not None and switch.mode is KillMode.HALT


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKillSwitch:
    """Runs ``EnforceKillSwitch``: cancels entries, closes positions, emits the account's event."""

    bulk_close: BulkClose
    flatten: Flatten

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        payload: EnforceKillSwitch,
        cancel: CancelOne,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Run the command; the result's value lists what was and was not canceled and closed."""
        if payload.deadman_id is not None:
            changes.events.append(_deadman_event(payload))
        if payload.scope == KillScope.ACCOUNT.value and payload.kill_id:
            changes.events.append(_event(command, payload))
        if not payload.on:
            return CommandResult(status=CommandStatus.DONE, value=dumps_fast(_new_report()))
        report = _new_report()
        if payload.cancel_entries:
            entries = [
                o.id for o in state.orders.values() if not o.reduce_only and applies_to(payload, o)
            ]
            entry_orders = (state.orders[order_id] for order_id in entries)
            other_senders = await find_other_senders(
                self.bulk_close.place.ledger, state, entry_orders
            )
            for order_id in sorted(entries):
                if order_id in other_senders:
                    continue  # Sent by another account, whose own switch cancels it.
                refused = await cancel(state, order_id, changes, now)
                report["canceled" if refused is None else "not_canceled"].append(order_id)
        if payload.flatten and state.exchange.sends_after_commit():
            return await self.flatten.start(state, command, report, changes, now)
        if payload.flatten:
            await self._flatten(state, command, payload, cancel, changes, now, report)
            changes.events.append(report_event(payload, report))
        return CommandResult(
            status=CommandStatus.DONE,
            order_ids=tuple(report["canceled"]),
            position_ids=tuple(report["closed"]),
            value=dumps_fast(report),
        )

    async def _flatten(
        self,
        state: AccountState,
        command: Command,
        payload: EnforceKillSwitch,
        cancel: CancelOne,
        changes: Changes,
        now: datetime,
        report: dict[str, list[int]],
    ) -> None:
        initial = {p.id for p in state.positions.values() if applies_to(payload, p)}
        strategies = (int(payload.scope_id),) if payload.scope == KillScope.STRATEGY.value else ()
        symbol = payload.scope_id if payload.scope == KillScope.SYMBOL.value else None
        closing = CloseAllPositions(strategy_ids=strategies, symbol=symbol, comment=payload.comment)
        # Closing by a switch is permitted under a stricter one.
        active, state.kill_switches = state.kill_switches, ()
        try:
            await self.bulk_close(state, evolve(command, payload=closing), cancel, changes, now)
        finally:
            state.kill_switches = active
        still_open = {p.id: p for p in state.positions.values() if p.id in initial}
        report["closed"] += sorted(initial - still_open.keys())
        report["remaining"], report["dust"] = split_open(state, still_open.values())


def _new_report() -> dict[str, list[int]]:
    return {"canceled": [], "not_canceled": [], "closed": [], "remaining": [], "dust": []}


def _deadman_event(payload: EnforceKillSwitch) -> Event:
    facts = {
        "deadman_id": payload.deadman_id,
        "kill_id": payload.kill_id or None,
        "scope": payload.scope,
        "scope_id": payload.scope_id,
        "flatten": payload.flatten,
        "comment": payload.comment,
    }
    return Event(name="deadman_fired", namespace=Namespace.RISK, facts=facts)


def _event(command: Command, payload: EnforceKillSwitch) -> Event:
    facts = {
        "kill_id": payload.kill_id,
        "scope": payload.scope,
        "scope_id": payload.scope_id or None,
        "mode": payload.mode,
        "on": payload.on,
        "comment": payload.comment,
        "actor": command.actor.user_id,
    }
    return Event(name="kill_switch_changed", namespace=Namespace.RISK, facts=facts)
