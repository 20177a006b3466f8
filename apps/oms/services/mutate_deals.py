"""Deals set right: taken back by a reversing deal, and booked anew as they should have been.

An execution that met several positions is taken back as a whole: its legs are ours, not facts.
What no exchange executed (close-by, dust, payments) is not set right here: the position is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.booking import whole_execution
from oms.domain.deal import Deal, DealType, signed_quantity
from oms.domain.entry import Entry
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, difference, total
from oms.domain.order import Order
from oms.domain.refold import BUST
from oms.domain.report import Execution
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.history import History
from oms.ports.ledger import LedgerStore
from oms.services.admin_order import AdminOrders
from oms.services.correct import Correct, Step
from oms.services.record import Record
from oms.services.task import Done, Task, not_mutable, not_there
from oms.wire.admin_mutate import changes_of, row_id, values_of
from oms.wire.ledger import deal_row

_FACTS = ("qty", "price", "fee", "fee_currency", "executed_at")
_NOTES = ("comment", "reconciled")
_WAYS = {"strategy_id": "reassign its order", "position_id": "reassign its order"}
_TAKEN = (BUST, "fee:", "funding:", "balance:", "close_by:", "dust:", "admin:")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateDeals:
    """Runs the items of ``deals``."""

    ledger: LedgerStore
    history: History
    record: Record
    correct: Correct
    admin_orders: AdminOrders

    async def __call__(self, task: Task) -> Done | Refused:
        """Set one deal right."""
        if task.item.op == "insert":
            return await self._insert(task)
        deal = await self._deal(task)
        if deal is None:
            return not_there("deal", row_id(task.item))
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

    async def _deal(self, task: Task) -> Deal | None:
        """The deal as it stands, on its way or stored."""
        number, home = row_id(task.item), task.home
        found = next((d for d in home.deals_not_stored() if d.id == number), None)
        for draft in reversed(home.drafts()):
            if number in draft.deals_changed:
                return draft.deals_changed[number]
        if found is not None:
            return found
        stored = await self.history.deals_by_id([number])
        return next((d for d in stored if d.account_id == home.account.id), None)

    def _note(self, task: Task, deal: Deal, wanted: Mapping[str, Any]) -> Done:
        """Comment and mark: no facts."""
        notes = {name: wanted[name] for name in _NOTES if name in wanted}
        after = evolve(deal, **notes)
        if after != deal:
            self.record.keep(task.home, Entry(deals_changed=(after,)), task.changes)
        return Done(id=deal.id, before=deal_row(deal), after=deal_row(after))

    async def _noted(self, task: Task, done: Done, wanted: Mapping[str, Any]) -> Done:
        """The notes of an update go to the deal that stands now."""
        right = next(d for d in task.home.draft.deals if d.id == done.id)
        noted = self._note(task, right, wanted)
        return Done(id=done.id, before=done.before, after=noted.after)

    async def _correct(self, task: Task, deal: Deal, facts: Mapping[str, Any]) -> Done | Refused:
        legs = await self._legs(task, deal)
        order = await self._order(task, deal.order_id)
        refused = self._refuse(deal, legs, order)
        if refused is not None or order is None:
            return refused or not_there("order", deal.order_id or 0)
        instrument = task.home.exchange.instruments()[deal.symbol]
        victim = whole_execution(legs)
        right = _right(deal, victim, facts, task.name) if facts else None
        if right is not None and (off := _refuse_facts(instrument, deal.side, right)) is not None:
            return off
        step = Step(order=order, victim=victim, right=right)
        entries = await self.correct(task, [step])
        if isinstance(entries, Refused):
            return entries
        (entry,) = entries
        made = [each for each in entry.deals if each.exchange_trade_id == task.name]
        mine = next(iter(made), None) or next(iter(entry.deals))
        return Done(id=mine.id if facts else deal.id, before=deal_row(deal), after=deal_row(mine))

    async def _legs(self, task: Task, deal: Deal) -> list[Deal]:
        """All legs of the deal's execution, and those that take it back."""
        home = task.home
        names = [deal.exchange_trade_id, f"{BUST}{deal.exchange_trade_id}"]
        stored = await self.ledger.deals_of(home.account.id, deal.symbol, names)
        found = {leg.id: leg for legs in stored.values() for leg in legs}
        found |= {leg.id: leg for leg in home.deals_called(deal.symbol, names)}
        for draft in home.drafts():
            found |= {key: leg for key, leg in draft.deals_changed.items() if key in found}
        return sorted(found.values(), key=lambda leg: leg.leg)

    async def _order(self, task: Task, order_id: int | None) -> Order | None:
        if order_id is None:
            return None
        known = task.home.known_order(order_id)
        return known or await self.ledger.order(task.home.account.id, order_id)

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

    async def _insert(self, task: Task) -> Done | Refused:
        values = values_of(_COLUMNS, task.item)
        known = task.home.exchange.instruments()
        order = await self._order(task, values.get("order_id"))
        if values.get("order_id") and order is None:
            return not_there("order", values["order_id"])
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
        entries = await self.correct(task, [Step(order=order, right=fill, is_new=is_new)])
        if isinstance(entries, Refused):
            return entries
        deal = next(d for d in task.home.draft.deals if d.exchange_trade_id == name)
        return Done(id=deal.id, before=None, after=deal_row(deal))

    async def _refuse_name(self, task: Task, symbol: str, name: str) -> Refused | None:
        home = task.home
        if name != task.name and name.startswith(_TAKEN):
            return not_mutable("exchange_trade_id", "names of this form are ours")
        stored = await self.ledger.deals_of(home.account.id, symbol, [name])
        if stored or home.deals_called(symbol, [name]):
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
    qty = total(difference(victim.qty, deal.qty), facts.get("qty") or deal.qty)
    fee = victim.fee
    if "fee" in facts:
        others = difference(victim.fee or ZERO, deal.fee or ZERO)
        fee = None if facts["fee"] is None and not others else total(others, facts["fee"] or ZERO)
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
