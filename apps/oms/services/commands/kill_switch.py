"""Kill switches at the worker: which are pulled, and what follows from one on an account.

They are read at most once a second, and only when a command comes: nothing is asked of the store
for a worker that is idle, and once a second is asked of a busy one. What is refused by a switch is
judged where orders are admitted (``domain.risk``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.commands.command import (
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
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.risk.kill_switch import KillMode, KillScope, KillSwitch, refuse_killed
from oms.domain.value import evolve
from oms.ports.kill_switches import KillSwitchStore
from oms.services.account_state.state import AccountState
from oms.services.commands.bulk_close import BulkClose, CancelOne
from oms.services.ledger.record import Changes
from oms.services.ledger.shared_credentials import find_other_senders
from oms.wire.json import dumps_fast

REFRESH_INTERVAL = timedelta(seconds=1)
SWITCHES_MAX = 1000


@dataclass(slots=True, kw_only=True)
class KillSwitchCache:
    """The switches that are on, as they were at most a second ago."""

    kills: KillSwitchStore
    _on: Sequence[KillSwitch] = ()
    _read_at: datetime | None = None

    async def __call__(self, state: AccountState, now: datetime) -> None:
        """Give ``home`` the switches that may be about it. Raises ``Unavailable``."""
        if self._read_at is None or not timedelta() <= now - self._read_at < REFRESH_INTERVAL:
            self._on = tuple(await self.kills.all(is_on=True, limit=SWITCHES_MAX))
            self._read_at = now
        if self._on or state.kills:
            state.kills = tuple(each for each in self._on if _may_meet(each, state.account.id))

    def forget(self) -> None:
        """Read again with the next command."""
        self._read_at = None


def _may_meet(switch: KillSwitch, account_id: int) -> bool:
    return switch.scope is not KillScope.ACCOUNT or switch.scope_id == str(account_id)


def refuse_position_command(state: AccountState, command: Command) -> Refused | None:
    """Refuse commands on positions that a switch does not leave; orders are judged by themselves.

    ``cancel_only`` leaves stop levels, ``halt`` leaves nothing but cancels.
    """
    payload = command.payload
    if not state.kills or not isinstance(payload, CloseBy | MergePositions | ChangePosition):
        return None
    for position_id in target_position_ids(payload):
        position = state.positions.get(position_id)
        if position is None:
            continue
        switch = state.kill_switch(position.symbol, position.strategy_id, command.actor.api_key_id)
        if isinstance(payload, ChangePosition) and not _is_halt(switch):
            continue
        refused = refuse_killed(switch, opens=False)
        if refused is not None:
            return refused
    return None


def _is_halt(switch: KillSwitch | None) -> bool:
    return switch is not None and switch.mode is KillMode.HALT


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKillSwitch:
    """Runs ``Kill``: cancels entries, closes positions, and tells of the account's own switch."""

    bulk_close: BulkClose

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        wish: EnforceKillSwitch,
        cancel: CancelOne,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Do it; the result's value is ``{canceled, closed, remaining, dust}``."""
        if wish.scope == KillScope.ACCOUNT.value:
            changes.events.append(_event(command, wish))
        if not wish.on:
            return CommandResult(status=CommandStatus.DONE, value=dumps_fast(_report()))
        report = _report()
        if wish.cancel_entries:
            entries = [
                o.id for o in state.orders.values() if not o.reduce_only and _is_about(wish, o)
            ]
            found = (state.orders[order_id] for order_id in entries)
            others = await find_other_senders(self.bulk_close.place.ledger, state, found)
            for order_id in sorted(entries):
                if order_id in others:
                    continue  # another account sent it: its own switch cancels it
                problem = await cancel(state, order_id, changes, now)
                report["canceled" if problem is None else "not_canceled"].append(order_id)
        if wish.flatten:
            await self._flatten(state, command, wish, cancel, changes, now, report)
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
        wish: EnforceKillSwitch,
        cancel: CancelOne,
        changes: Changes,
        now: datetime,
        report: dict[str, list[int]],
    ) -> None:
        first = {p.id for p in state.positions.values() if _is_about(wish, p)}
        strategies = (int(wish.scope_id),) if wish.scope == KillScope.STRATEGY.value else ()
        symbol = wish.scope_id if wish.scope == KillScope.SYMBOL.value else None
        closing = CloseAllPositions(strategy_ids=strategies, symbol=symbol, comment=wish.comment)
        held, state.kills = state.kills, ()  # closing by a switch goes on under a stricter one
        try:
            await self.bulk_close(state, evolve(command, payload=closing), cancel, changes, now)
        finally:
            state.kills = held
        left = {p.id: p for p in state.positions.values() if p.id in first}
        instruments = state.exchange.instruments()
        report["closed"] += sorted(first - left.keys())
        for number, position in sorted(left.items()):
            is_dust = position.qty.copy_abs() < instruments[position.symbol].step
            report["dust" if is_dust else "remaining"].append(number)


def _report() -> dict[str, list[int]]:
    return {"canceled": [], "not_canceled": [], "closed": [], "remaining": [], "dust": []}


def _is_about(wish: EnforceKillSwitch, row: Order | Position) -> bool:
    match wish.scope:
        case KillScope.STRATEGY.value:
            return str(row.strategy_id) == wish.scope_id
        case KillScope.SYMBOL.value:
            return row.symbol == wish.scope_id
        case KillScope.KEY.value:
            return False  # whose key sent an order is not known here: its orders stay
        case _:
            return True


def _event(command: Command, wish: EnforceKillSwitch) -> Event:
    facts = {
        "kill_id": wish.kill_id,
        "scope": wish.scope,
        "scope_id": wish.scope_id or None,
        "mode": wish.mode,
        "on": wish.on,
        "comment": wish.comment,
        "actor": command.actor.user_id,
    }
    return Event(name="kill_switch_changed", namespace=Namespace.RISK, facts=facts)
