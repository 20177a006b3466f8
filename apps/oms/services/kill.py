"""Kill switches at the worker: which are pulled, and what follows from one on an account.

They are read at most once a second, and only when a command comes: nothing is asked of the store
for a worker that is idle, and once a second is asked of a busy one. What is refused by a switch is
judged where orders are admitted (``domain.risk``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oms.domain.command import (
    CloseAll,
    CloseBy,
    Command,
    CommandResult,
    CommandStatus,
    MergePositions,
    PositionChange,
)
from oms.domain.control import Kill
from oms.domain.errors import Refused
from oms.domain.event import Event, Namespace
from oms.domain.kill import KillMode, KillScope, KillSwitch, refuse_killed
from oms.domain.named import positions_named
from oms.domain.order import Order
from oms.domain.position import Position
from oms.domain.value import evolve
from oms.ports.kills import Kills
from oms.services.home import Home
from oms.services.mirrored import mirrored
from oms.services.record import Changes
from oms.services.sweep import CancelOne, Sweep
from oms.wire.json import dumps_plain

READ_EVERY = timedelta(seconds=1)
SWITCHES_MAX = 1000


@dataclass(slots=True, kw_only=True)
class KillSwitches:
    """The switches that are on, as they were at most a second ago."""

    kills: Kills
    _on: Sequence[KillSwitch] = ()
    _read_at: datetime | None = None

    async def __call__(self, home: Home, now: datetime) -> None:
        """Give ``home`` the switches that may be about it. Raises ``Unavailable``."""
        if self._read_at is None or not timedelta() <= now - self._read_at < READ_EVERY:
            self._on = tuple(await self.kills.all(is_on=True, limit=SWITCHES_MAX))
            self._read_at = now
        if self._on or home.kills:
            home.kills = tuple(each for each in self._on if _may_meet(each, home.account.id))

    def forget(self) -> None:
        """Read again with the next command."""
        self._read_at = None


def _may_meet(switch: KillSwitch, account_id: int) -> bool:
    return switch.scope is not KillScope.ACCOUNT or switch.scope_id == str(account_id)


def refuse_move(home: Home, command: Command) -> Refused | None:
    """Refuse commands on positions that a switch does not leave; orders are judged by themselves.

    ``cancel_only`` leaves stop levels, ``halt`` leaves nothing but cancels.
    """
    payload = command.payload
    if not home.kills or not isinstance(payload, CloseBy | MergePositions | PositionChange):
        return None
    for position_id in positions_named(payload):
        position = home.positions.get(position_id)
        if position is None:
            continue
        switch = home.killed(position.symbol, position.strategy_id, command.actor.api_key_id)
        if isinstance(payload, PositionChange) and not _is_halt(switch):
            continue
        refused = refuse_killed(switch, opens=False)
        if refused is not None:
            return refused
    return None


def _is_halt(switch: KillSwitch | None) -> bool:
    return switch is not None and switch.mode is KillMode.HALT


@dataclass(frozen=True, slots=True, kw_only=True)
class KillAct:
    """Runs ``Kill``: cancels entries, closes positions, and tells of the account's own switch."""

    sweep: Sweep

    async def __call__(
        self,
        home: Home,
        command: Command,
        wish: Kill,
        cancel: CancelOne,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Do it; the result's value is ``{canceled, closed, remaining, dust}``."""
        if wish.scope == KillScope.ACCOUNT.value:
            changes.events.append(_event(command, wish))
        if not wish.on:
            return CommandResult(status=CommandStatus.DONE, value=dumps_plain(_report()))
        report = _report()
        if wish.cancel_entries:
            entries = [
                o.id for o in home.orders.values() if not o.reduce_only and _is_about(wish, o)
            ]
            found = (home.orders[order_id] for order_id in entries)
            others = await mirrored(self.sweep.place.ledger, home, found)
            for order_id in sorted(entries):
                if order_id in others:
                    continue  # another account sent it: its own switch cancels it
                problem = await cancel(home, order_id, changes, now)
                report["canceled" if problem is None else "not_canceled"].append(order_id)
        if wish.flatten:
            await self._flatten(home, command, wish, cancel, changes, now, report)
        return CommandResult(
            status=CommandStatus.DONE,
            order_ids=tuple(report["canceled"]),
            position_ids=tuple(report["closed"]),
            value=dumps_plain(report),
        )

    async def _flatten(
        self,
        home: Home,
        command: Command,
        wish: Kill,
        cancel: CancelOne,
        changes: Changes,
        now: datetime,
        report: dict[str, list[int]],
    ) -> None:
        first = {p.id for p in home.positions.values() if _is_about(wish, p)}
        strategies = (int(wish.scope_id),) if wish.scope == KillScope.STRATEGY.value else ()
        symbol = wish.scope_id if wish.scope == KillScope.SYMBOL.value else None
        closing = CloseAll(strategy_ids=strategies, symbol=symbol, comment=wish.comment)
        held, home.kills = home.kills, ()  # closing by a switch goes on under a stricter one
        try:
            await self.sweep(home, evolve(command, payload=closing), cancel, changes, now)
        finally:
            home.kills = held
        left = {p.id: p for p in home.positions.values() if p.id in first}
        instruments = home.exchange.instruments()
        report["closed"] += sorted(first - left.keys())
        for number, position in sorted(left.items()):
            is_dust = position.qty.copy_abs() < instruments[position.symbol].step
            report["dust" if is_dust else "remaining"].append(number)


def _report() -> dict[str, list[int]]:
    return {"canceled": [], "not_canceled": [], "closed": [], "remaining": [], "dust": []}


def _is_about(wish: Kill, row: Order | Position) -> bool:
    match wish.scope:
        case KillScope.STRATEGY.value:
            return str(row.strategy_id) == wish.scope_id
        case KillScope.SYMBOL.value:
            return row.symbol == wish.scope_id
        case KillScope.KEY.value:
            return False  # whose key sent an order is not known here: its orders stay
        case _:
            return True


def _event(command: Command, wish: Kill) -> Event:
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
