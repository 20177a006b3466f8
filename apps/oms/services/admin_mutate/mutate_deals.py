"""Corrections of deals: the execution is reversed, and booked again as it should have been.

An execution that was split over several positions is reversed as a whole: its legs are computed,
not reported. What is not an execution (close-by, dust, payments) is not corrected here: its
position is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.ledger.booking import merge_legs
from oms.domain.ledger.deal import Deal, DealType, signed_quantity
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.replay_steps import BUST_PREFIX
from oms.domain.money import ZERO, add, subtract
from oms.domain.orders.execution_report import Execution
from oms.domain.orders.order import Order
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryReads
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.unit_of_work import current_deals
from oms.services.admin_mutate.admin_orders import AdminOrderFactory
from oms.services.admin_mutate.correct_deals import CorrectDeals, CorrectionStep
from oms.services.admin_mutate.mutate_item import MutatedRow, MutateTask, not_mutable, row_not_found
from oms.services.ledger.booked_deals import find_deals
from oms.services.ledger.record import RecordReports
from oms.services.risk.admit_order import refuse_delisted
from oms.wire.admin.row_mutations import changes_of, row_id, values_of
from oms.wire.responses.ledger_rows import deal_row

_FACTS = ("qty", "price", "fee", "fee_currency", "executed_at")
_NOTES = ("comment", "reconciled")
_ALTERNATIVES = {"strategy_id": "reassign its order", "position_id": "reassign its order"}
_RESERVED_PREFIXES = (BUST_PREFIX, "fee:", "funding:", "balance:", "close_by:", "dust:", "admin:")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateDeals:
    """Runs the items of entity ``deals``."""

    ledger: LedgerStore
    history: HistoryReads
    record: RecordReports
    correct: CorrectDeals
    admin_orders: AdminOrderFactory

    async def __call__(self, task: MutateTask) -> MutatedRow | Refused:
        """Correct one deal."""
        if task.item.op == "insert":
            return await self._insert(task)
        deal = await self._deal(task)
        if deal is None:
            return row_not_found("deal", row_id(task.item))
        if task.item.op == "delete":
            return await self._correct(task, deal, {})
        changes = changes_of(deal_row(deal), task.item)
        for column in changes:
            if column not in (*_FACTS, *_NOTES):
                return not_mutable(
                    column, _ALTERNATIVES.get(column, "it is a fact, or follows from one")
                )
        facts = {name: changes[name] for name in _FACTS if name in changes}
        if facts:
            mutated = await self._correct(task, deal, facts)
            if isinstance(mutated, Refused):
                return mutated
            return await self._with_notes(task, mutated, changes)
        return self._note(task, deal, changes)

    async def _deal(self, task: MutateTask) -> Deal | None:
        """Return the deal in its current version, uncommitted or stored."""
        deal_id, state = row_id(task.item), task.state
        units = state.units_of_work()
        stored = await self.history.deals_by_id([deal_id])
        own = (deal for deal in stored if deal.account_id == state.account.id)
        return current_deals(units, own).get(deal_id)

    def _note(self, task: MutateTask, deal: Deal, changes: Mapping[str, Any]) -> MutatedRow:
        """Change comment and mark only."""
        notes = {name: changes[name] for name in _NOTES if name in changes}
        after = evolve(deal, **notes)
        if after != deal:
            self.record.stage(task.state, LedgerUpdate(deals_changed=(after,)), task.changes)
        return MutatedRow(id=deal.id, before=deal_row(deal), after=deal_row(after))

    async def _with_notes(
        self, task: MutateTask, mutated: MutatedRow, changes: Mapping[str, Any]
    ) -> MutatedRow:
        """Apply the notes of an update to the deal that replaces the corrected one."""
        corrected = next(d for d in task.state.work.deals if d.id == mutated.id)
        noted = self._note(task, corrected, changes)
        return MutatedRow(id=mutated.id, before=mutated.before, after=noted.after)

    async def _correct(
        self, task: MutateTask, deal: Deal, facts: Mapping[str, Any]
    ) -> MutatedRow | Refused:
        legs = await self._legs(task, deal)
        order = await self._order(task, deal.order_id)
        refused = self._refuse(deal, legs, order)
        if refused is not None or order is None:
            return refused or row_not_found("order", deal.order_id or 0)
        if (delisted := refuse_delisted(task.state, deal.symbol)) is not None:
            return delisted
        instrument = task.state.exchange.instruments()[deal.symbol]
        original = merge_legs(legs)
        corrected = _corrected_execution(deal, original, facts, task.name) if facts else None
        if (
            corrected is not None
            and (refused := _refuse_facts(instrument, deal.side, corrected)) is not None
        ):
            return refused
        step = CorrectionStep(order=order, original=original, corrected=corrected)
        entries = await self.correct(task, [step])
        if isinstance(entries, Refused):
            return entries
        (entry,) = entries
        new_deals = [each for each in entry.deals if each.exchange_trade_id == task.name]
        new_deal = next(iter(new_deals), None) or next(iter(entry.deals))
        return MutatedRow(
            id=new_deal.id if facts else deal.id, before=deal_row(deal), after=deal_row(new_deal)
        )

    async def _legs(self, task: MutateTask, deal: Deal) -> list[Deal]:
        """Return all legs of the deal's execution, and those that reverse it."""
        trade_ids = [deal.exchange_trade_id, f"{BUST_PREFIX}{deal.exchange_trade_id}"]
        legs = await find_deals(self.ledger, task.state, deal.symbol, trade_ids)
        return sorted(legs, key=lambda leg: leg.leg)

    async def _order(self, task: MutateTask, order_id: int | None) -> Order | None:
        if order_id is None:
            return None
        order = task.state.find_order(order_id)
        return order or await self.ledger.order(task.state.account.id, order_id)

    def _refuse(self, deal: Deal, legs: Sequence[Deal], order: Order | None) -> Refused | None:
        if deal.type is not DealType.TRADE or order is None:
            message = f"deal {deal.id} is not an execution: correct its position"
            return Refused(code="conflict", reason="not_an_execution", message=message)
        if any(leg.type is DealType.CORRECTION for leg in legs):
            message = f"deal {deal.id} is reversed already"
            return Refused(code="conflict", reason="already_corrected", message=message)
        if deal.provisional:
            message = f"deal {deal.id} is inferred: the exchange's own deal will replace it"
            return Refused(code="conflict", reason="provisional", message=message)
        if order.is_open:
            message = f"order {order.id} is still open: cancel it first"
            return Refused(code="invalid_order_state", reason="order_open", message=message)
        return None

    async def _insert(self, task: MutateTask) -> MutatedRow | Refused:
        values = values_of(_COLUMNS, task.item)
        instruments = task.state.exchange.instruments()
        order = await self._order(task, values.get("order_id"))
        if values.get("order_id") and order is None:
            return row_not_found("order", values["order_id"])
        symbol = values.get("symbol") or (order.symbol if order is not None else "")
        if symbol not in instruments:
            message = f"symbol {symbol!r} is not traded at this exchange"
            return Refused(code="instrument_not_supported", message=message)
        trade_id = values.get("exchange_trade_id") or task.name
        refused = await self._refuse_name(task, symbol, trade_id)
        side: str = values.get("side") or (order.side.value if order is not None else "")
        fill = _execution(values, trade_id, task.now)
        refused = refused or _refuse_new(instruments[symbol], order, symbol, side, fill)
        if refused is not None or fill is None:
            return refused or _incomplete()
        is_new = order is None
        if order is None:
            created = await self.admin_orders.create(task, symbol, Side(side), fill.qty, values)
            if isinstance(created, Refused):
                return created
            order = created
        entries = await self.correct(
            task, [CorrectionStep(order=order, corrected=fill, is_new=is_new)]
        )
        if isinstance(entries, Refused):
            return entries
        deal = next(d for d in task.state.work.deals if d.exchange_trade_id == trade_id)
        return MutatedRow(id=deal.id, before=None, after=deal_row(deal))

    async def _refuse_name(self, task: MutateTask, symbol: str, trade_id: str) -> Refused | None:
        state = task.state
        if trade_id != task.name and trade_id.startswith(_RESERVED_PREFIXES):
            return not_mutable("exchange_trade_id", "ids of this form are reserved")
        stored = await self.ledger.deals_of(state.account.id, symbol, [trade_id])
        if stored or state.uncommitted_deals_by_trade_id(symbol, [trade_id]):
            message = f"trade {trade_id} of {symbol} is booked already"
            return Refused(code="conflict", reason="trade_booked", message=message)
        return None


_COLUMNS: Mapping[str, Any] = dict.fromkeys(
    (
        *("account_id", "order_id", "position_id", "symbol", "side", "qty", "price", "fee"),
        *("fee_currency", "strategy_id", "comment", "exchange_trade_id", "executed_at"),
        *("liquidity", "exchange_order_id", "reason", "type"),
    )
)


def _corrected_execution(
    deal: Deal, victim: Execution, facts: Mapping[str, Any], trade_id: str
) -> Execution:
    """Return the execution with the corrected fields of one leg."""
    qty = add(subtract(victim.qty, deal.qty), facts.get("qty") or deal.qty)
    fee = victim.fee
    if "fee" in facts:
        others = subtract(victim.fee or ZERO, deal.fee or ZERO)
        fee = None if facts["fee"] is None and not others else add(others, facts["fee"] or ZERO)
    currency = facts.get("fee_currency", victim.fee_currency)
    return evolve(
        victim,
        exchange_trade_id=trade_id,
        qty=qty,
        price=facts.get("price") or victim.price,
        fee=fee,
        fee_currency=None if fee is None else currency,
        executed_at=facts.get("executed_at") or victim.executed_at,
    )


def _execution(values: Mapping[str, Any], trade_id: str, now: datetime) -> Execution | None:
    if "qty" not in values or "price" not in values:
        return None
    fee: Decimal | None = values.get("fee")
    liquidity = values.get("liquidity")
    return Execution(
        exchange_trade_id=trade_id,
        qty=values["qty"],
        price=values["price"],
        executed_at=values.get("executed_at") or now,
        fee=fee,
        fee_currency=None if fee is None else values.get("fee_currency"),
        maker=None if liquidity is None else liquidity == "maker",
    )


def _refuse_new(
    instrument: Instrument,
    order: Order | None,
    symbol: str,
    side: str,
    fill: Execution | None,
) -> Refused | None:
    if fill is None or side not in ("buy", "sell"):
        return _incomplete()
    if order is not None:
        if (order.symbol, order.side.value) != (symbol, side):
            message = f"order {order.id} is a {order.side.value} of {order.symbol}"
            return Refused(code="conflict", reason="order_differs", message=message)
        if order.is_open:
            message = f"order {order.id} is still open: cancel it first"
            return Refused(code="invalid_order_state", reason="order_open", message=message)
    return _refuse_facts(instrument, Side(side), fill)


def _incomplete() -> Refused:
    message = "a deal has a symbol, a side, a qty and a price"
    return Refused(code="validation_error", message=message)


def _refuse_facts(instrument: Instrument, side: Side, fill: Execution) -> Refused | None:
    if fill.qty <= 0 or fill.price <= 0:
        message = "qty and price of a deal are above 0"
        return Refused(code="validation_error", message=message)
    if fill.fee is not None and not fill.fee_currency:
        return Refused(code="validation_error", message="a fee has a fee_currency")
    delta = signed_quantity(instrument, side, fill.qty, fill.fee, fill.fee_currency)
    if delta == 0 or (delta > 0) is not (side is Side.BUY):
        message = "the fee in base takes more than the whole quantity"
        return Refused(code="validation_error", message=message)
    return None
