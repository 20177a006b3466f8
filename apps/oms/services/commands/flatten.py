"""Close all positions in the scope of a kill switch at an exchange whose answers take time.

One round cancels the open orders in scope and sends a closing order per position. The command stays
running; the rounds are repeated every ``ROUND_INTERVAL`` until nothing is left, at most for
``FLATTEN_TIME_MAX``, and then the command ends with its report. At an exchange that answers at once
``bulk_close`` does the same within the command.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.commands.command import (
    CloseAllPositions,
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
)
from oms.domain.event import Event, Namespace
from oms.domain.ledger.position import Position, PositionState
from oms.domain.orders.order import Order
from oms.domain.risk.kill_switch import KillScope
from oms.domain.value import evolve
from oms.services.account_state.pending import PendingFlatten
from oms.services.account_state.state import AccountState
from oms.services.commands.amend_orders import AmendOrders
from oms.services.commands.connectivity_gate import refuse_if_unreachable
from oms.services.commands.place_order import PlaceOrder
from oms.services.ledger.record import Changes
from oms.services.ledger.shared_credentials import find_other_senders
from oms.wire.json import dumps_fast, loads

ROUND_INTERVAL = timedelta(seconds=2)
"""Time between two rounds."""

FLATTEN_TIME_MAX = timedelta(seconds=60)
"""After this time the command ends, and what is still open is reported."""

Report = dict[str, list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Closes positions in rounds."""

    place: PlaceOrder
    amend: AmendOrders

    async def start(
        self,
        state: AccountState,
        command: Command,
        report: Report,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Begin the first round, after the entries of ``report`` were canceled."""
        payload = command.payload
        assert isinstance(payload, EnforceKillSwitch)
        pending = PendingFlatten(
            command=command,
            entry_order_ids={*report["canceled"], *report["not_canceled"]},
            position_ids={position.id for position in _positions(state, payload)},
        )
        state.pending_flattens.append(pending)
        await self._round(state, pending, changes, now)
        value = dumps_fast(_build_report(state, pending))
        return CommandResult(status=CommandStatus.RUNNING, value=value)

    async def advance(
        self, state: AccountState, changes: Changes, now: datetime
    ) -> list[tuple[Command, CommandResult]]:
        """Begin the rounds that are due. Returns the results of the commands that end."""
        finished: list[tuple[Command, CommandResult]] = []
        for pending in list(state.pending_flattens):
            pending.started_at = pending.started_at or now
            positions = _positions(state, pending.payload)
            pending.position_ids.update(position.id for position in positions)
            is_flat = not positions and not _open_entries(state, pending)
            if is_flat or now - pending.started_at >= FLATTEN_TIME_MAX:
                state.pending_flattens.remove(pending)
                report = _build_report(state, pending)
                changes.events.append(report_event(pending.payload, report))
                finished.append((pending.command, _result(report)))
            elif pending.last_round_at is None or now - pending.last_round_at >= ROUND_INTERVAL:
                await self._round(state, pending, changes, now)
        return finished

    async def _round(
        self, state: AccountState, pending: PendingFlatten, changes: Changes, now: datetime
    ) -> None:
        """Cancel open orders in scope, and close the positions that no order is closing."""
        pending.started_at = pending.started_at or now
        pending.last_round_at = now
        if refuse_if_unreachable(state, CloseAllPositions()) is not None:
            return  # The next round tries again.
        # Closing by a switch is permitted under a stricter one.
        active, state.kill_switches = state.kill_switches, ()
        try:
            await self._cancel_orders(state, pending, changes, now)
            for position in _positions(state, pending.payload):
                if position.state is not PositionState.CLOSE_REQUESTED:
                    await self._close(state, pending, position, changes, now)
        finally:
            state.kill_switches = active

    async def _cancel_orders(
        self, state: AccountState, pending: PendingFlatten, changes: Changes, now: datetime
    ) -> None:
        orders = [
            order
            for order in state.orders.values()
            if applies_to(pending.payload, order)
            and order.id not in pending.closing_order_ids
            and order.pending_change is None
        ]
        other_senders = await find_other_senders(self.place.ledger, state, orders)
        for order in sorted(orders, key=lambda each: each.id):
            if order.id not in other_senders:
                await self.amend.cancel_one(state, order.id, changes, now)

    async def _close(
        self,
        state: AccountState,
        pending: PendingFlatten,
        position: Position,
        changes: Changes,
        now: datetime,
    ) -> None:
        closing = ClosePosition(position_id=position.id, comment=pending.payload.comment)
        command = evolve(pending.command, payload=closing)
        result = await self.place(state, command, changes, now)
        if result.order_id is not None:
            pending.closing_order_ids.add(result.order_id)


def restore_flatten(state: AccountState, command: Command, result: CommandResult) -> None:
    """Continue a command that was running when the account's last state was dropped."""
    report = loads(result.value or "{}")
    pending = PendingFlatten(
        command=command,
        entry_order_ids={*report.get("canceled", ()), *report.get("not_canceled", ())},
        position_ids={*report.get("closed", ()), *report.get("remaining", ())},
        closing_order_ids={
            order.id for order in state.orders.values() if order.command_id == command.id
        },
    )
    state.pending_flattens.append(pending)


def applies_to(payload: EnforceKillSwitch, row: Order | Position) -> bool:
    """Return whether a switch applies to an order or position."""
    match payload.scope:
        case KillScope.STRATEGY.value:
            return str(row.strategy_id) == payload.scope_id
        case KillScope.SYMBOL.value:
            return row.symbol == payload.scope_id
        case KillScope.KEY.value:
            return False  # The key that sent an order is not stored here, so orders of a key stay.
        case _:
            return True


def split_open(state: AccountState, positions: Iterable[Position]) -> tuple[list[int], list[int]]:
    """Return the ids of positions that can be closed, and of those below the exchange's step."""
    remaining: list[int] = []
    dust: list[int] = []
    instruments = state.exchange.instruments()
    for position in sorted(positions, key=lambda each: each.id):
        instrument = instruments.get(position.symbol)
        is_dust = instrument is not None and position.qty.copy_abs() < instrument.step
        (dust if is_dust else remaining).append(position.id)
    return remaining, dust


def _positions(state: AccountState, payload: EnforceKillSwitch) -> list[Position]:
    selected = (position for position in state.positions.values() if applies_to(payload, position))
    return sorted(selected, key=lambda position: position.id)


def _open_entries(state: AccountState, pending: PendingFlatten) -> list[int]:
    return sorted(pending.entry_order_ids & state.orders.keys())


def _build_report(state: AccountState, pending: PendingFlatten) -> Report:
    positions = _positions(state, pending.payload)
    remaining, dust = split_open(state, positions)
    not_canceled = _open_entries(state, pending)
    return {
        "canceled": sorted(pending.entry_order_ids.difference(not_canceled)),
        "not_canceled": not_canceled,
        "closed": sorted(pending.position_ids.difference(position.id for position in positions)),
        "remaining": remaining,
        "dust": dust,
    }


def report_event(payload: EnforceKillSwitch, report: Report) -> Event:
    """Return the event of a flatten that has ended."""
    facts = {
        "kill_id": payload.kill_id,
        "comment": payload.comment,
        "canceled": report["canceled"],
        "not_canceled": report["not_canceled"],
        "closed": report["closed"],
        "remaining": report["remaining"],
        "dust": report["dust"],
    }
    return Event(name="flatten_report", namespace=Namespace.RISK, facts=facts)


def _result(report: Report) -> CommandResult:
    return CommandResult(
        status=CommandStatus.DONE,
        order_ids=tuple(report["canceled"]),
        position_ids=tuple(report["closed"]),
        value=dumps_fast(report),
    )
