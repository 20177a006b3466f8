"""Corrections of positions: quantity and average price by deals that lead to them, other fields
directly.

One deal at a suitable price increases a position to any average price that it can reach; one at the
average price reduces it. A new average price without an increase takes two deals: one in, and one
out at the requested average price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from oms.domain.account import PositionMode
from oms.domain.commands.command import KEEP, ChangePosition, Reassign
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument, InstrumentKind, refuse_off_grid
from oms.domain.ledger.position import Fill, Position, PositionState, apply_fill
from oms.domain.ledger.position_operations import change_position
from oms.domain.money import DIGITS_MAX, ZERO, add, round_to_scale, subtract
from oms.domain.orders.execution_report import Execution
from oms.domain.side import Side
from oms.ports.history_reads import HistoryReads
from oms.ports.ledger_store import LedgerStore
from oms.ports.verification_reads import VerificationReads
from oms.services.account_state.unit_of_work import current_deals
from oms.services.admin_mutate.admin_orders import ADMIN_REASON, AdminOrderFactory
from oms.services.admin_mutate.correct_deals import CorrectDeals, CorrectionStep
from oms.services.admin_mutate.mutate_item import MutatedRow, MutateTask, not_mutable, row_not_found
from oms.services.commands.position_ops import PositionOps
from oms.services.ledger.record import RecordReports
from oms.services.risk.admit_order import refuse_delisted
from oms.wire.admin.row_mutations import changes_of, row_id, values_of
from oms.wire.responses.ledger_rows import position_row

_FREE_COLUMNS = ("stop_loss", "stop_gain", "comment")
_DEAL_COLUMNS = ("qty", "avg_price")


_COLUMNS = dict.fromkeys(
    ("account_id", "symbol", "side", "strategy_id", *_DEAL_COLUMNS, *_FREE_COLUMNS)
)


class AdjustingDeal(NamedTuple):
    """A deal that leads a position to its requested quantity and average price."""

    side: Side
    qty: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MutatePositions:
    """Runs the items of entity ``positions``."""

    ledger: LedgerStore
    audit: VerificationReads
    history: HistoryReads
    record: RecordReports
    position_ops: PositionOps
    correct: CorrectDeals
    admin_orders: AdminOrderFactory

    async def __call__(self, task: MutateTask) -> MutatedRow | Refused:
        """Correct one position."""
        if task.item.op == "insert":
            return await self._insert(task)
        position = task.state.positions.get(row_id(task.item))
        if position is None:
            return await self._not_open(task)
        if (delisted := refuse_delisted(task.state, position.symbol)) is not None:
            return delisted
        if task.item.op == "delete":
            return await self._update(task, position, {"qty": ZERO})
        return await self._update(task, position, changes_of(position_row(position), task.item))

    async def _not_open(self, task: MutateTask) -> Refused:
        position_id = row_id(task.item)
        stored = await self.ledger.position(task.state.account.id, position_id)
        if stored is None:
            return row_not_found("position", position_id)
        message = f"position {position_id} is closed: correct its deals"
        return Refused(code="conflict", reason="position_closed", message=message)

    async def _update(
        self, task: MutateTask, position: Position, changes: dict[str, Any]
    ) -> MutatedRow | Refused:
        for column in changes:
            if column not in (*_DEAL_COLUMNS, *_FREE_COLUMNS, "strategy_id"):
                return not_mutable(column, "it follows from the deals of the position")
        steps = self._steps(task, position, changes)
        refused = steps if isinstance(steps, Refused) else self._refuse_levels(task, changes, steps)
        order_ids: tuple[int, ...] = ()
        if refused is None and "strategy_id" in changes:
            orders = await self._order_ids_of(task, position)
            refused = orders if isinstance(orders, Refused) else None
            order_ids = () if isinstance(orders, Refused) else orders
        if refused is not None or isinstance(steps, Refused):
            return refused or row_not_found("position", position.id)
        if order_ids:
            payload = Reassign(order_ids=order_ids, strategy_id=changes["strategy_id"])
            result = await self.position_ops.reassign(task.state, payload, task.changes, task.now)
            if result.error is not None:
                return result.error
        refused = await self._book(task, position, steps)
        if refused is not None:
            return refused
        self._set_levels(task, position.id, changes)
        after = task.state.positions.get(position.id) or task.changes.positions.get(position.id)
        return MutatedRow(
            id=position.id,
            before=position_row(position),
            after=position_row(after or position),
        )

    def _steps(
        self, task: MutateTask, position: Position, changes: dict[str, Any]
    ) -> list[AdjustingDeal] | Refused:
        if not any(name in changes for name in _DEAL_COLUMNS):
            return []
        if "strategy_id" in changes:
            message = "change the strategy, or quantity and average price: one at a time"
            return Refused(code="validation_error", message=message)
        if position.state is PositionState.CLOSE_REQUESTED:
            message = f"an order that closes position {position.id} is already open"
            return Refused(code="position_close_in_progress", message=message)
        qty, average = changes.get("qty", position.qty.copy_abs()), changes.get("avg_price")
        if qty is None or qty < 0 or (average is not None and average <= 0):
            message = "qty is 0 or more, avg_price above 0"
            return Refused(code="validation_error", message=message)
        instrument = task.state.exchange.instruments()[position.symbol]
        return plan_adjustment(position, instrument, qty, average)

    async def _order_ids_of(
        self, task: MutateTask, position: Position
    ) -> tuple[int, ...] | Refused:
        """Return the orders whose deals make up the position, which move with it."""
        units = task.state.units_of_work()
        stored = await self.audit.deals_of_positions([position.id])
        order_ids = sorted(
            {
                deal.order_id
                for deal in current_deals(units, stored).values()
                if deal.position_id == position.id and deal.order_id is not None
            }
        )
        if not order_ids:
            message = f"no order made position {position.id}"
            return Refused(code="conflict", reason="no_orders", message=message)
        deals = current_deals(units, await self.history.deals_by_order(order_ids)).values()
        if any(d.position_id != position.id for d in deals if d.order_id in order_ids):
            message = f"an order of position {position.id} went to another position too"
            return Refused(code="conflict", reason="order_of_two_positions", message=message)
        return tuple(order_ids)

    def _refuse_levels(
        self, task: MutateTask, changes: dict[str, Any], steps: list[AdjustingDeal]
    ) -> Refused | None:
        prices = (changes.get("stop_loss"), changes.get("stop_gain"))
        if any(price is not None and price <= 0 for price in prices):
            return Refused(code="validation_error", message="a stop level is above 0")
        position = task.state.positions[row_id(task.item)]
        instrument = task.state.exchange.instruments()[position.symbol]
        return refuse_off_grid(instrument, qty=None, prices=prices)

    def _set_levels(self, task: MutateTask, position_id: int, changes: dict[str, Any]) -> None:
        fields = {name: changes.get(name, KEEP) for name in _FREE_COLUMNS}
        position = task.state.positions.get(position_id)
        if position is None or all(value is KEEP for value in fields.values()):
            return
        payload = ChangePosition(position_id=position_id, **fields)
        instrument = task.state.exchange.instruments()[position.symbol]
        entry = change_position(payload, position, instrument, task.now)
        self.record.stage(task.state, entry, task.changes)

    async def _book(
        self, task: MutateTask, position: Position, adjustments: Sequence[AdjustingDeal]
    ) -> Refused | None:
        """Book the adjusting deals, each with an order of its own."""
        steps: list[CorrectionStep] = []
        for index, adjustment in enumerate(adjustments):
            name = f"{task.name}:{index}"
            values: dict[str, Any] = {"position_id": position.id, "client_order_id": name}
            # It must never open a ticket.
            values["reduce_only"] = adjustment.side is not position.side
            order = await self.admin_orders.create(
                task, position.symbol, adjustment.side, adjustment.qty, values
            )
            if isinstance(order, Refused):
                return order
            steps.append(
                CorrectionStep(order=order, corrected=_fill(adjustment, name, task), is_new=True)
            )
        entries = await self.correct(task, steps) if steps else []
        return entries if isinstance(entries, Refused) else None

    async def _insert(self, task: MutateTask) -> MutatedRow | Refused:
        values = values_of(_COLUMNS, task.item)
        state, instruments = task.state, task.state.exchange.instruments()
        symbol: str = values.get("symbol", "")
        side: str = values.get("side", "")
        qty, price = values.get("qty", ZERO), values.get("avg_price", ZERO)
        if symbol not in instruments or side not in ("buy", "sell") or qty <= 0 or price <= 0:
            message = "a position has a symbol of the exchange, a side, a qty and an avg_price"
            return Refused(code="validation_error", message=message)
        strategy_id = values.get("strategy_id", 0)
        if _conflicts(state.account.position_mode, state.positions_in(symbol), strategy_id):
            message = f"a position in {symbol} is open: correct that one"
            return Refused(code="conflict", reason="position_open", message=message)
        fields = {name: values[name] for name in (*_FREE_COLUMNS, "strategy_id") if name in values}
        prices = (fields.get("stop_loss"), fields.get("stop_gain"))
        if (refused := refuse_off_grid(instruments[symbol], qty=None, prices=prices)) is not None:
            return refused
        order = await self.admin_orders.create(
            task, symbol, Side(side), qty, fields | {"new_position": True}
        )
        if isinstance(order, Refused):
            return order
        fill = _fill(AdjustingDeal(Side(side), qty, price), task.name, task)
        entries = await self.correct(
            task, [CorrectionStep(order=order, corrected=fill, is_new=True)]
        )
        if isinstance(entries, Refused):
            return entries
        deal = next(d for d in state.work.deals if d.exchange_trade_id == task.name)
        after = state.positions[deal.position_id]
        return MutatedRow(id=after.id, before=None, after=position_row(after))


def plan_adjustment(
    position: Position, instrument: Instrument, qty: Decimal, average: Decimal | None
) -> list[AdjustingDeal] | Refused:
    """Return the deals that lead to ``qty`` (unsigned) at ``average`` (``None``: unchanged)."""
    qty_now, side = position.qty.copy_abs(), position.side
    target = position.avg_price if average is None else average
    keeps_average = average is None or average == position.avg_price
    if qty <= qty_now and (keeps_average or not qty):
        surplus = subtract(qty_now, qty)
        return [AdjustingDeal(side.opposite, surplus, position.avg_price)] if surplus else []
    increase = subtract(qty, qty_now) if qty > qty_now else qty_now
    price = _price(position, instrument, increase, target)
    steps = [] if price is None else [AdjustingDeal(side, increase, price)]
    if qty <= qty_now and steps:
        steps.append(AdjustingDeal(side.opposite, subtract(add(qty_now, increase), qty), target))
    if not steps or _average_after(position, instrument, steps) != target:
        message = f"no deal leads {qty_now:f} at {position.avg_price:f} to {qty:f} at {target:f}"
        return Refused(
            code="average_not_reachable",
            message=message,
            limit=position.avg_price,
            value=target,
            set_by="position",
        )
    return steps


def _fill(adjustment: AdjustingDeal, name: str, task: MutateTask) -> Execution:
    return Execution(
        exchange_trade_id=name, qty=adjustment.qty, price=adjustment.price, executed_at=task.now
    )


def _price(
    position: Position, instrument: Instrument, increase: Decimal, target: Decimal
) -> Decimal | None:
    """Return the price of ``increase`` that makes ``target`` the average, if there is one."""
    sign = 1 if position.qty > 0 else -1
    total_qty = add(position.qty.copy_abs(), increase)
    cost = instrument.worth(total_qty * sign, target) - position.cost
    worth = cost / (Fraction(increase) * sign)
    if instrument.kind is InstrumentKind.INVERSE:
        if worth >= 0:
            return None
    elif worth <= 0:
        return None
    price = round_to_scale(instrument.price_of(worth))
    return price if price > 0 and price.adjusted() < DIGITS_MAX else None


def _average_after(
    position: Position, instrument: Instrument, steps: list[AdjustingDeal]
) -> Decimal:
    for step in steps:
        fill = Fill(
            delta=step.qty if step.side is Side.BUY else step.qty.copy_negate(),
            price=step.price,
            fee=None,
            fee_currency=None,
            reason=ADMIN_REASON,
            executed_at=position.updated_at,
            received_at=position.updated_at,
        )
        position, _ = apply_fill(position, instrument, fill)
    return position.avg_price


def _conflicts(mode: PositionMode, held: list[Position], strategy_id: int) -> bool:
    match mode:
        case PositionMode.HEDGE:
            return False
        case PositionMode.NETTING:
            return bool(held)
        case PositionMode.STRATEGY_NETTING:
            return any(position.strategy_id == strategy_id for position in held)
