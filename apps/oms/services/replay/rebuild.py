"""A symbol's books rebuilt from facts alone, as a pure rule: rows in, rows as they should stand.

Facts are the executions that deals tell of (their trade, order, price, quantity, fee and time),
busts, payments, close-bys and merges, and where orders wished to go. Positions and where each deal
went are thrown away and folded anew, by the functions that fold a late execution; ids are taken
over from what stood before. What no fact tells is kept: stop levels and comments.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import TypeVar

from oms.domain.account import PositionMode
from oms.domain.ids import IdGenerator, IdKind
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.history_replay import SymbolHistory, busted_trade_ids
from oms.domain.ledger.position import Position
from oms.domain.ledger.restatement import apply_reassignment
from oms.domain.money import ZERO, add, multiply
from oms.domain.orders.order import Order
from oms.domain.value import evolve, value
from oms.services.verify.findings import format_value

Row = TypeVar("Row", Order, Deal, Position)

_POSITION = (
    *("side", "strategy_id", "qty", "cost", "exit_value", "avg_price", "close_price"),
    *("is_open", "qty_opened", "qty_closed", "max_qty", "profit", "realized_pnl", "fees"),
    *("funding", "close_reason", "identifier", "previous_position_id", "merged_into"),
    *("opened_at", "closed_at"),
)
_DEAL = ("position_id", "strategy_id", "entry", "qty", "price", "fee", "profit")
_ORDER = ("filled_qty", "fill_value", "fees", "provisional_qty")


@value
class Books:
    """Rows of one symbol of one account."""

    positions: Sequence[Position]
    deals: Sequence[Deal]
    orders: Sequence[Order]


@value
class Difference:
    """A field that is not what the facts give; values are text."""

    entity: str
    id: int
    field: str
    rebuilt: str
    stored: str


def rebuild_books(
    mode: PositionMode,
    instrument: Instrument | None,
    books: Books,
    now: datetime,
    until: datetime | None = None,
) -> Books:
    """The books from their facts up to and with ``until``, or from all of them.

    Rows of something that is not traded are not folded: without an instrument there is no
    quantity and no value.
    """
    deals = [deal for deal in books.deals if until is None or deal.executed_at <= until]
    orders = [order for order in books.orders if until is None or order.created_at <= until]
    known = [_as_of(position, until) for position in books.positions]
    if instrument is not None:
        history = SymbolHistory(
            mode=mode,
            instrument=instrument,
            positions=known,
            deals=deals,
            orders={order.id: order for order in books.orders},
        )
        entry = apply_reassignment(history, {}, _nothing_taken(), now)
        known = _over(known, entry.positions)
        deals = _over(deals, (*entry.deals, *entry.deals_changed))
        orders = _over(orders, entry.orders)
    begun = {deal.position_id for deal in deals}
    return Books(
        positions=[row for row in known if until is None or row.id in begun],
        deals=deals,
        orders=list(_filled(orders, deals)),
    )


def compare_books(stored: Books, rebuilt: Books) -> Iterator[Difference]:
    """Every field of the rebuilt rows that the stored ones do not have."""
    yield from _compared("order", _ORDER, stored.orders, rebuilt.orders)
    yield from _compared("deal", _DEAL, stored.deals, rebuilt.deals)
    yield from _compared("position", _POSITION, stored.positions, rebuilt.positions)


def _as_of(position: Position, until: datetime | None) -> Position:
    """A position without the merge that came later."""
    ended = position.closed_at
    if until is None or position.merged_into is None or (ended is not None and ended <= until):
        return position
    return evolve(position, merged_into=None)


def _nothing_taken() -> IdGenerator:
    """New rows are told under ids below zero: no id of the database is used up."""
    numbers = count(-1, -1)

    def next_id(kind: IdKind) -> int:
        return next(numbers)

    return next_id


def _over(known: Sequence[Row], changed: Sequence[Row]) -> list[Row]:
    return list(({row.id: row for row in known} | {row.id: row for row in changed}).values())


def _filled(orders: Sequence[Order], deals: Sequence[Deal]) -> Iterator[Order]:
    """Orders with the fills that their deals sum up to."""
    busted = busted_trade_ids(deals)
    by_order: dict[int | None, list[Deal]] = {}
    for deal in deals:
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in busted:
            by_order.setdefault(deal.order_id, []).append(deal)
    for order in orders:
        filled = worth = provisional = ZERO
        fees = dict.fromkeys(order.fees, ZERO)
        for deal in by_order.get(order.id, ()):
            filled = add(filled, deal.qty)
            worth = add(worth, multiply(deal.qty, deal.price))
            provisional = add(provisional, deal.qty if deal.provisional else ZERO)
            if deal.fee is not None and deal.fee_currency is not None:
                fees[deal.fee_currency] = add(fees.get(deal.fee_currency, ZERO), deal.fee)
        yield evolve(
            order, filled_qty=filled, fill_value=worth, provisional_qty=provisional, fees=fees
        )


def _compared(
    entity: str,
    fields: Sequence[str],
    stored: Sequence[Order] | Sequence[Deal] | Sequence[Position],
    rebuilt: Sequence[Order] | Sequence[Deal] | Sequence[Position],
) -> Iterator[Difference]:
    before = {row.id: row for row in stored}
    after = {row.id: row for row in rebuilt}
    for row_id in sorted(before.keys() | after.keys()):
        if row_id not in before or row_id not in after:
            word = "a row" if row_id in after else "nothing"
            other = "a row" if row_id in before else "nothing"
            yield Difference(entity=entity, id=row_id, field="id", rebuilt=word, stored=other)
            continue
        for name in fields:
            told, found = _plain(after[row_id], name), _plain(before[row_id], name)
            if told != found:
                yield Difference(
                    entity=entity,
                    id=row_id,
                    field=name,
                    rebuilt=format_value(told),
                    stored=format_value(found),
                )


def _plain(row: object, name: str) -> object:
    found = getattr(row, name)
    if isinstance(found, Mapping):
        return {key: amount for key, amount in found.items() if amount}
    return found
