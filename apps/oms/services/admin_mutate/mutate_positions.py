"""Positions set right: quantity and average by deals that lead there, the rest as it is told.

One deal enlarges to any average that its price can reach; one at the average reduces. An average
of what is not enlarged takes two: one in, one out at the average that was asked for.
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
from oms.services.admin_mutate.admin_orders import ADMIN_REASON, AdminOrderFactory
from oms.services.admin_mutate.correct_deals import CorrectDeals, CorrectionStep
from oms.services.admin_mutate.mutate_item import MutatedRow, MutateTask, not_mutable, row_not_found
from oms.services.commands.position_ops import PositionOps
from oms.services.ledger.record import RecordReports
from oms.wire.admin.row_mutations import changes_of, row_id, values_of
from oms.wire.responses.ledger_rows import position_row

_LEVELS = ("stop_loss", "stop_gain", "comment")
_LED = ("qty", "avg_price")


_COLUMNS = dict.fromkeys(("account_id", "symbol", "side", "strategy_id", *_LED, *_LEVELS))


class AdjustingDeal(NamedTuple):
    """A deal on the way to where a position shall be."""

    side: Side
    qty: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MutatePositions:
    """Runs the items of ``positions``."""

    ledger: LedgerStore
    audit: VerificationReads
    history: HistoryReads
    record: RecordReports
    position_ops: PositionOps
    correct: CorrectDeals
    admin_orders: AdminOrderFactory

    async def __call__(self, task: MutateTask) -> MutatedRow | Refused:
        """Set one position right."""
        if task.item.op == "insert":
            return await self._insert(task)
        position = task.state.positions.get(row_id(task.item))
        if position is None:
            return await self._not_open(task)
        if task.item.op == "delete":
            return await self._update(task, position, {"qty": ZERO})
        return await self._update(task, position, changes_of(position_row(position), task.item))

    async def _not_open(self, task: MutateTask) -> Refused:
        number = row_id(task.item)
        stored = await self.ledger.position(task.state.account.id, number)
        if stored is None:
            return row_not_found("position", number)
        message = f"position {number} is closed: what was booked is corrected by its deals"
        return Refused(code="conflict", reason="position_closed", message=message)

    async def _update(
        self, task: MutateTask, position: Position, wanted: dict[str, Any]
    ) -> MutatedRow | Refused:
        for column in wanted:
            if column not in (*_LED, *_LEVELS, "strategy_id"):
                return not_mutable(column, "it follows from the deals of the position")
        steps = self._steps(task, position, wanted)
        refused = steps if isinstance(steps, Refused) else self._refuse_levels(task, wanted, steps)
        orders: tuple[int, ...] = ()
        if refused is None and "strategy_id" in wanted:
            found = await self._orders_of(task, position)
            refused = found if isinstance(found, Refused) else None
            orders = () if isinstance(found, Refused) else found
        if refused is not None or isinstance(steps, Refused):
            return refused or row_not_found("position", position.id)
        if orders:
            wish = Reassign(order_ids=orders, strategy_id=wanted["strategy_id"])
            result = await self.position_ops.reassign(task.state, wish, task.changes, task.now)
            if result.error is not None:
                return result.error
        booked = await self._book(task, position, steps)
        if booked is not None:
            return booked
        self._set_levels(task, position.id, wanted)
        after = task.state.positions.get(position.id) or task.changes.positions.get(position.id)
        return MutatedRow(
            id=position.id,
            before=position_row(position),
            after=position_row(after or position),
        )

    def _steps(
        self, task: MutateTask, position: Position, wanted: dict[str, Any]
    ) -> list[AdjustingDeal] | Refused:
        if not any(name in wanted for name in _LED):
            return []
        if "strategy_id" in wanted:
            message = "move a position to a strategy, or lead it to a quantity: one at a time"
            return Refused(code="validation_error", message=message)
        if position.state is PositionState.CLOSE_REQUESTED:
            message = f"an order that closes position {position.id} is already open"
            return Refused(code="position_close_in_progress", message=message)
        qty, average = wanted.get("qty", position.qty.copy_abs()), wanted.get("avg_price")
        if qty is None or qty < 0 or (average is not None and average <= 0):
            message = "qty is 0 or more, avg_price above 0"
            return Refused(code="validation_error", message=message)
        instrument = task.state.exchange.instruments()[position.symbol]
        return plan_adjustment(position, instrument, qty, average)

    async def _orders_of(self, task: MutateTask, position: Position) -> tuple[int, ...] | Refused:
        """The orders whose deals are the position's, which go where it goes."""
        drafted = list(task.state.uncommitted_deals())
        deals = [*await self.audit.deals_of_positions([position.id])]
        deals += [deal for deal in drafted if deal.position_id == position.id]
        orders = sorted({deal.order_id for deal in deals if deal.order_id is not None})
        if not orders:
            message = f"no order made position {position.id}"
            return Refused(code="conflict", reason="no_orders", message=message)
        others = [*await self.history.deals_by_order(orders)]
        others += [deal for deal in drafted if deal.order_id in orders]
        if any(deal.position_id != position.id for deal in others):
            message = f"an order of position {position.id} went to another position too"
            return Refused(code="conflict", reason="order_of_two_positions", message=message)
        return tuple(orders)

    def _refuse_levels(
        self, task: MutateTask, wanted: dict[str, Any], steps: list[AdjustingDeal]
    ) -> Refused | None:
        prices = (wanted.get("stop_loss"), wanted.get("stop_gain"))
        if any(price is not None and price <= 0 for price in prices):
            return Refused(code="validation_error", message="a stop level is above 0")
        position = task.state.positions[row_id(task.item)]
        instrument = task.state.exchange.instruments()[position.symbol]
        return refuse_off_grid(instrument, qty=None, prices=prices)

    def _set_levels(self, task: MutateTask, position_id: int, wanted: dict[str, Any]) -> None:
        named = {name: wanted.get(name, KEEP) for name in _LEVELS}
        held = task.state.positions.get(position_id)
        if held is None or all(value is KEEP for value in named.values()):
            return
        wish = ChangePosition(position_id=position_id, **named)
        self.record.stage(task.state, change_position(wish, held, task.now), task.changes)

    async def _book(
        self, task: MutateTask, position: Position, leads: Sequence[AdjustingDeal]
    ) -> Refused | None:
        """Book the deals that lead there, each of an order of its own."""
        steps: list[CorrectionStep] = []
        for index, lead in enumerate(leads):
            name = f"{task.name}:{index}"
            values: dict[str, Any] = {"position_id": position.id, "client_order_id": name}
            values["reduce_only"] = lead.side is not position.side  # it may never open a ticket
            order = await self.admin_orders.made(task, position.symbol, lead.side, lead.qty, values)
            if isinstance(order, Refused):
                return order
            steps.append(CorrectionStep(order=order, right=_fill(lead, name, task), is_new=True))
        entries = await self.correct(task, steps) if steps else []
        return entries if isinstance(entries, Refused) else None

    async def _insert(self, task: MutateTask) -> MutatedRow | Refused:
        values = values_of(_COLUMNS, task.item)
        state, known = task.state, task.state.exchange.instruments()
        symbol: str = values.get("symbol", "")
        side: str = values.get("side", "")
        qty, price = values.get("qty", ZERO), values.get("avg_price", ZERO)
        if symbol not in known or side not in ("buy", "sell") or qty <= 0 or price <= 0:
            message = "a position has a symbol of the exchange, a side, a qty and an avg_price"
            return Refused(code="validation_error", message=message)
        strategy_id = values.get("strategy_id", 0)
        if _meets_another(state.account.position_mode, state.positions_in(symbol), strategy_id):
            message = f"a position in {symbol} is open: set that one right"
            return Refused(code="conflict", reason="position_open", message=message)
        named = {name: values[name] for name in (*_LEVELS, "strategy_id") if name in values}
        prices = (named.get("stop_loss"), named.get("stop_gain"))
        if (off := refuse_off_grid(known[symbol], qty=None, prices=prices)) is not None:
            return off
        order = await self.admin_orders.made(
            task, symbol, Side(side), qty, named | {"new_position": True}
        )
        if isinstance(order, Refused):
            return order
        fill = _fill(AdjustingDeal(Side(side), qty, price), task.name, task)
        entries = await self.correct(task, [CorrectionStep(order=order, right=fill, is_new=True)])
        if isinstance(entries, Refused):
            return entries
        made = next(d for d in state.work.deals if d.exchange_trade_id == task.name)
        after = state.positions[made.position_id]
        return MutatedRow(id=after.id, before=None, after=position_row(after))


def plan_adjustment(
    position: Position, instrument: Instrument, qty: Decimal, average: Decimal | None
) -> list[AdjustingDeal] | Refused:
    """The deals that lead ``position`` to ``qty`` (unsigned) at ``average`` (``None``: its own)."""
    held, side = position.qty.copy_abs(), position.side
    wished = position.avg_price if average is None else average
    keeps = average is None or average == position.avg_price
    if qty <= held and (keeps or not qty):
        away = subtract(held, qty)
        return [AdjustingDeal(side.opposite, away, position.avg_price)] if away else []
    more = subtract(qty, held) if qty > held else held
    price = _price(position, instrument, more, wished)
    steps = [] if price is None else [AdjustingDeal(side, more, price)]
    if qty <= held and steps:
        steps.append(AdjustingDeal(side.opposite, subtract(add(held, more), qty), wished))
    if not steps or _average_after(position, instrument, steps) != wished:
        message = f"no deal leads {held:f} at {position.avg_price:f} to {qty:f} at {wished:f}"
        return Refused(
            code="average_not_reachable",
            message=message,
            limit=position.avg_price,
            value=wished,
            set_by="position",
        )
    return steps


def _fill(lead: AdjustingDeal, name: str, task: MutateTask) -> Execution:
    return Execution(exchange_trade_id=name, qty=lead.qty, price=lead.price, executed_at=task.now)


def _price(
    position: Position, instrument: Instrument, more: Decimal, wished: Decimal
) -> Decimal | None:
    """What ``more`` must cost for the whole to stand at ``wished``; ``None``: no price does."""
    sign = 1 if position.qty > 0 else -1
    whole = add(position.qty.copy_abs(), more)
    cost = instrument.worth(whole * sign, wished) - position.cost
    worth = cost / (Fraction(more) * sign)
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


def _meets_another(mode: PositionMode, held: list[Position], strategy_id: int) -> bool:
    match mode:
        case PositionMode.HEDGE:
            return False
        case PositionMode.NETTING:
            return bool(held)
        case PositionMode.STRATEGY_NETTING:
            return any(position.strategy_id == strategy_id for position in held)
