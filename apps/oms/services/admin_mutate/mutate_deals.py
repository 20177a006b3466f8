"""Deals set right: taken back by a reversing deal, and booked anew as they should have been.

An execution that met several positions is taken back as a whole: its legs are ours, not facts.
What no exchange executed (close-by, dust, payments) is not set right here: the position is.
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
from oms.domain.ledger.history_replay import BUST_PREFIX
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.money import ZERO, add, subtract
from oms.domain.orders.execution_report import Execution
from oms.domain.orders.order import Order
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryReads
from oms.ports.ledger_store import LedgerStore
from oms.services.admin_mutate.admin_orders import AdminOrderFactory
from oms.services.admin_mutate.correct_deals import CorrectDeals, CorrectionStep
from oms.services.admin_mutate.mutate_item import MutatedRow, MutateTask, not_mutable, row_not_found
from oms.services.ledger.record import RecordReports
from oms.wire.admin.row_mutations import changes_of, row_id, values_of
from oms.wire.responses.ledger_rows import deal_row

_FACTS = ("qty", "price", "fee", "fee_currency", "executed_at")
_NOTES = ("comment", "reconciled")
_WAYS = {"strategy_id": "reassign its order", "position_id": "reassign its order"}
_TAKEN = (BUST_PREFIX, "fee:", "funding:", "balance:", "close_by:", "dust:", "admin:")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateDeals:
    """Runs the items of ``deals``."""

    ledger: LedgerStore
    history: HistoryReads
    record: RecordReports
    correct: CorrectDeals
    admin_orders: AdminOrderFactory

    async def __call__(self, task: MutateTask) -> MutatedRow | Refused:
        """Set one deal right."""
        if task.item.op == "insert":
            return await self._insert(task)
        deal = await self._deal(task)
        if deal is None:
            return row_not_found("deal", row_id(task.item))
        if task.item.op == "delete":
            return await self._correct(task, deal, {})
        wanted = changes_of(deal_row(deal), task.item)
        for column in wanted:
            if column not in (*_FACTS, *_NOTES):
                return not_mutable(column, _WAYS.get(column, "it is a fact, or follows from one"))
        facts = {name: wanted[name] for name in _FACTS if name in wanted}
        if facts:
            done = await self._correct(task, deal, facts)
            if isinstance(done, Refused):
                return done
            return await self._noted(task, done, wanted)
        return self._note(task, deal, wanted)

    async def _deal(self, task: MutateTask) -> Deal | None:
        """The deal as it stands, on its way or stored."""
        number, state = row_id(task.item), task.state
        found = next((d for d in state.uncommitted_deals() if d.id == number), None)
        for work in reversed(state.units_of_work()):
            if number in work.deals_changed:
                return work.deals_changed[number]
        if found is not None:
            return found
        stored = await self.history.deals_by_id([number])
        return next((d for d in stored if d.account_id == state.account.id), None)

    def _note(self, task: MutateTask, deal: Deal, wanted: Mapping[str, Any]) -> MutatedRow:
        """Comment and mark: no facts."""
        notes = {name: wanted[name] for name in _NOTES if name in wanted}
        after = evolve(deal, **notes)
        if after != deal:
            self.record.stage(task.state, LedgerUpdate(deals_changed=(after,)), task.changes)
        return MutatedRow(id=deal.id, before=deal_row(deal), after=deal_row(after))

    async def _noted(
        self, task: MutateTask, done: MutatedRow, wanted: Mapping[str, Any]
    ) -> MutatedRow:
        """The notes of an update go to the deal that stands now."""
        right = next(d for d in task.state.work.deals if d.id == done.id)
        noted = self._note(task, right, wanted)
        return MutatedRow(id=done.id, before=done.before, after=noted.after)

    async def _correct(
        self, task: MutateTask, deal: Deal, facts: Mapping[str, Any]
    ) -> MutatedRow | Refused:
        legs = await self._legs(task, deal)
        order = await self._order(task, deal.order_id)
        refused = self._refuse(deal, legs, order)
        if refused is not None or order is None:
            return refused or row_not_found("order", deal.order_id or 0)
        instrument = task.state.exchange.instruments()[deal.symbol]
        victim = merge_legs(legs)
        right = _right(deal, victim, facts, task.name) if facts else None
        if right is not None and (off := _refuse_facts(instrument, deal.side, right)) is not None:
            return off
        step = CorrectionStep(order=order, victim=victim, right=right)
        entries = await self.correct(task, [step])
        if isinstance(entries, Refused):
            return entries
        (entry,) = entries
        made = [each for each in entry.deals if each.exchange_trade_id == task.name]
        mine = next(iter(made), None) or next(iter(entry.deals))
        return MutatedRow(
            id=mine.id if facts else deal.id, before=deal_row(deal), after=deal_row(mine)
        )

    async def _legs(self, task: MutateTask, deal: Deal) -> list[Deal]:
        """All legs of the deal's execution, and those that take it back."""
        state = task.state
        names = [deal.exchange_trade_id, f"{BUST_PREFIX}{deal.exchange_trade_id}"]
        stored = await self.ledger.deals_of(state.account.id, deal.symbol, names)
        found = {leg.id: leg for legs in stored.values() for leg in legs}
        found |= {leg.id: leg for leg in state.uncommitted_deals_by_trade_id(deal.symbol, names)}
        for work in state.units_of_work():
            found |= {key: leg for key, leg in work.deals_changed.items() if key in found}
        return sorted(found.values(), key=lambda leg: leg.leg)

    async def _order(self, task: MutateTask, order_id: int | None) -> Order | None:
        if order_id is None:
            return None
        known = task.state.find_order(order_id)
        return known or await self.ledger.order(task.state.account.id, order_id)

    def _refuse(self, deal: Deal, legs: Sequence[Deal], order: Order | None) -> Refused | None:
        if deal.type is not DealType.TRADE or order is None:
            message = f"deal {deal.id} is no execution: set its position right"
            return Refused(code="conflict", reason="not_an_execution", message=message)
        if any(leg.type is DealType.CORRECTION for leg in legs):
            message = f"deal {deal.id} was taken back before"
            return Refused(code="conflict", reason="already_corrected", message=message)
        if deal.provisional:
            message = f"deal {deal.id} is inferred: the exchange's own will replace it"
            return Refused(code="conflict", reason="provisional", message=message)
        if order.is_open:
            message = f"order {order.id} is still open: cancel its rest first"
            return Refused(code="invalid_order_state", reason="order_open", message=message)
        return None

    async def _insert(self, task: MutateTask) -> MutatedRow | Refused:
        values = values_of(_COLUMNS, task.item)
        known = task.state.exchange.instruments()
        order = await self._order(task, values.get("order_id"))
        if values.get("order_id") and order is None:
            return row_not_found("order", values["order_id"])
        symbol = values.get("symbol") or (order.symbol if order is not None else "")
        if symbol not in known:
            message = f"symbol {symbol!r} is none of this exchange's"
            return Refused(code="instrument_not_supported", message=message)
        name = values.get("exchange_trade_id") or task.name
        refused = await self._refuse_name(task, symbol, name)
        side: str = values.get("side") or (order.side.value if order is not None else "")
        fill = _execution(values, name, task.now)
        refused = refused or _refuse_new(known[symbol], order, symbol, side, fill)
        if refused is not None or fill is None:
            return refused or _incomplete()
        is_new = order is None
        if order is None:
            made = await self.admin_orders.made(task, symbol, Side(side), fill.qty, values)
            if isinstance(made, Refused):
                return made
            order = made
        entries = await self.correct(task, [CorrectionStep(order=order, right=fill, is_new=is_new)])
        if isinstance(entries, Refused):
            return entries
        deal = next(d for d in task.state.work.deals if d.exchange_trade_id == name)
        return MutatedRow(id=deal.id, before=None, after=deal_row(deal))

    async def _refuse_name(self, task: MutateTask, symbol: str, name: str) -> Refused | None:
        state = task.state
        if name != task.name and name.startswith(_TAKEN):
            return not_mutable("exchange_trade_id", "names of this form are ours")
        stored = await self.ledger.deals_of(state.account.id, symbol, [name])
        if stored or state.uncommitted_deals_by_trade_id(symbol, [name]):
            message = f"trade {name} of {symbol} is booked already"
            return Refused(code="conflict", reason="trade_booked", message=message)
        return None


_COLUMNS: Mapping[str, Any] = dict.fromkeys(
    (
        *("account_id", "order_id", "position_id", "symbol", "side", "qty", "price", "fee"),
        *("fee_currency", "strategy_id", "comment", "exchange_trade_id", "executed_at"),
        *("liquidity", "exchange_order_id", "reason", "type"),
    )
)


def _right(deal: Deal, victim: Execution, facts: Mapping[str, Any], name: str) -> Execution:
    """The execution with what one leg of it should have said."""
    qty = add(subtract(victim.qty, deal.qty), facts.get("qty") or deal.qty)
    fee = victim.fee
    if "fee" in facts:
        others = subtract(victim.fee or ZERO, deal.fee or ZERO)
        fee = None if facts["fee"] is None and not others else add(others, facts["fee"] or ZERO)
    currency = facts.get("fee_currency", victim.fee_currency)
    return evolve(
        victim,
        exchange_trade_id=name,
        qty=qty,
        price=facts.get("price") or victim.price,
        fee=fee,
        fee_currency=None if fee is None else currency,
        executed_at=facts.get("executed_at") or victim.executed_at,
    )


def _execution(values: Mapping[str, Any], name: str, now: datetime) -> Execution | None:
    if "qty" not in values or "price" not in values:
        return None
    fee: Decimal | None = values.get("fee")
    liquidity = values.get("liquidity")
    return Execution(
        exchange_trade_id=name,
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
            message = f"order {order.id} is still open: cancel its rest first"
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
