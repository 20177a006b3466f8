"""Cancel and change open orders at the exchange."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.command import (
    CancelOrder,
    ChangeOrder,
    Command,
    CommandResult,
    CommandStatus,
)
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order
from oms.domain.risk.admission import refuse_not_open
from oms.domain.value import evolve
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.commands.notional_limits import NewExposure, NotionalLimits
from oms.services.commands.policy_limits import note_pending_change
from oms.services.ledger.record import Changes, RecordReports
from oms.services.protection.order_levels import change_order_levels
from oms.services.risk.admit_order import admit_changing, refuse_delisted


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendOrders:
    """Runs ``CancelOrder`` and ``ChangeOrder``."""

    ledger: LedgerStore
    record: RecordReports
    #: Notional limits of API keys; ``None`` if there are none.
    notional_limits: NotionalLimits | None = None

    async def cancel(
        self, state: AccountState, payload: CancelOrder, changes: Changes, now: datetime
    ) -> CommandResult:
        """Cancel the orders; the result lists those that could not be canceled."""
        canceled: list[int] = []
        skipped: list[tuple[int, Refused]] = []
        for order_id in payload.order_ids:
            refused = await self.cancel_one(state, order_id, changes, now)
            if refused is None:
                canceled.append(order_id)
            else:
                skipped.append((order_id, refused))
        single = payload.order_ids[0] if len(payload.order_ids) == 1 else None
        if single is not None and skipped:
            refused = skipped[0][1]
            if refused.outcome == "unknown":
                return CommandResult(status=CommandStatus.UNKNOWN, error=refused, order_id=single)
            return CommandResult.refused(refused, order_id=single)
        return CommandResult(
            status=CommandStatus.DONE,
            order_id=single,
            order_ids=tuple(canceled),
            skipped=tuple(
                (order_id, refused.reason or refused.code) for order_id, refused in skipped
            ),
        )

    async def cancel_one(
        self, state: AccountState, order_id: int, changes: Changes, now: datetime
    ) -> Refused | None:
        """Cancel one order. Returns why it could not be canceled."""
        order = await self._order(state, order_id)
        if order is None:
            return refuse_missing_order(order_id)
        if not order.is_open:
            return refuse_not_open(order)
        reports = await state.exchange.cancel(order, now)
        return await self._record_answer(state, order, "cancel", reports, changes)

    async def change(
        self,
        state: AccountState,
        command: Command,
        payload: ChangeOrder,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Change terms of an order, or its stop levels."""
        order = await self._order(state, payload.order_id)
        if order is None:
            return CommandResult.refused(
                refuse_missing_order(payload.order_id), order_id=payload.order_id
            )
        if (delisted := refuse_delisted(state, order.symbol)) is not None:
            return CommandResult.refused(delisted, order_id=order.id)
        if payload.levels is not None:
            return change_order_levels(state, order, payload, changes, now)
        payload, refused = await admit_changing(
            state, payload, order, command.actor.api_key_id, now
        )
        notional_limits = self.notional_limits
        if (
            refused is None
            and notional_limits is not None
            and notional_limits.has_limits(command.actor.api_key_id)
        ):
            refused = await _refuse_over_limits(
                notional_limits, state, command, payload, order, now
            )
        if refused is not None:
            return CommandResult.refused(refused, order_id=order.id)
        new_price, new_qty, terms = payload.new_price, payload.new_qty, payload.terms
        reports = await state.exchange.change(order, new_price, new_qty, now, terms)
        note_pending_change(state, order, payload)
        refused = await self._record_answer(state, order, "change", reports, changes)
        if refused is not None:
            is_unknown = refused.outcome == "unknown"
            status = CommandStatus.UNKNOWN if is_unknown else CommandStatus.FAILED
            return CommandResult(status=status, error=refused, order_id=order.id)
        return CommandResult(status=CommandStatus.DONE, order_id=order.id)

    async def _record_answer(
        self,
        state: AccountState,
        order: Order,
        action: str,
        reports: Sequence[ExecutionReport],
        changes: Changes,
    ) -> Refused | None:
        """Record the answer to a cancel or change; a ``rejected`` report means that it failed.

        A request that is not answered yet, or whose answer was lost, stays pending at the order.
        """
        own_reports = {report.kind: report for report in reports if report.order_id == order.id}
        refusal = own_reports.get(ReportKind.REJECTED)
        unknown = own_reports.pop(ReportKind.UNKNOWN, None)
        non_facts = (ReportKind.REJECTED, ReportKind.UNKNOWN)
        facts = [r for r in reports if r.order_id != order.id or r.kind not in non_facts]
        await self.record(state, facts, changes)
        if refusal is not None:
            return Refused(
                code=refusal.code or "exchange_rejected",
                message=refusal.message or "the exchange rejected it",
                outcome="rejected",
            )
        if not own_reports:
            self._mark_pending(state, order.id, action, changes)
        if unknown is None:
            return None
        message = f"the exchange may have executed the {action}; it is being looked up"
        return Refused(code="outcome_unknown", message=message, outcome="unknown")

    def _mark_pending(
        self, state: AccountState, order_id: int, action: str, changes: Changes
    ) -> None:
        """Mark a change or cancel as pending; the order's next reports complete it."""
        order = state.find_order(order_id)
        if order is None or not order.is_open:
            return
        marked = evolve(order, pending_change=action, version=order.version + 1)
        state.put_order(marked)
        changes.orders[marked.id] = marked
        changes.exec_types[marked.id] = (f"{action}_requested", False)

    async def _order(self, state: AccountState, order_id: int) -> Order | None:
        """Return an order of this account from the state or, once final, from the store."""
        return state.find_order(order_id) or await self.ledger.order(state.account.id, order_id)


async def _refuse_over_limits(
    notional_limits: NotionalLimits,
    state: AccountState,
    command: Command,
    payload: ChangeOrder,
    order: Order,
    now: datetime,
) -> Refused | None:
    """Check the changed order against the notional limits of the key that changes it."""
    if order.reduce_only:
        return None
    opening = NewExposure(
        command_id=order.command_id or command.id,
        symbol=order.symbol,
        qty=payload.new_qty or order.qty,
        price=payload.new_price or order.price or payload.new_trigger_price or order.trigger_price,
    )
    return await notional_limits(state, command.actor.api_key_id, opening, now)


def refuse_missing_order(order_id: int) -> Refused:
    """Return the refusal for an order that the account does not have."""
    return Refused(code="order_not_found", message=f"order {order_id} is not in this account")
