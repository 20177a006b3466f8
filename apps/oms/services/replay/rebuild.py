"""Rebuilds the books of a symbol from facts, as a pure function of its rows.

Facts are the executions of deals (trade, order, price, quantity, fee and time), busts, payments,
close-bys and merges, and the target positions of orders. Positions and the assignment of deals are
computed again by the functions that replay a late execution; ids are taken from the stored rows.
Fields without facts are kept: stop levels and comments.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import TypeVar

from oms.domain.account import PositionMode
from oms.domain.ids import IdGenerator, IdKind
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.position import Position
from oms.domain.ledger.replay_steps import busted_trade_ids
from oms.domain.ledger.restatement import apply_reassignment
from oms.domain.money import ZERO
from oms.domain.orders.order import Order
from oms.domain.value import evolve, value
from oms.services.verify.findings import format_value
from oms.services.verify.order_rules import sum_fills

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
    """A field that differs from the rebuilt value; values are text."""

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
    """Return the books rebuilt from the facts up to and including ``until``, or from all.

    Without an instrument (a symbol that is not traded) the rows are returned without a replay.
    """
    deals = [deal for deal in books.deals if until is None or deal.executed_at <= until]
    orders = [order for order in books.orders if until is None or order.created_at <= until]
    positions = [_as_of(position, until) for position in books.positions]
    if instrument is not None:
        history = SymbolHistory(
            mode=mode,
            instrument=instrument,
            positions=positions,
            deals=deals,
            orders={order.id: order for order in books.orders},
        )
        entry = apply_reassignment(history, {}, _temporary_ids(), now)
        positions = _merge_by_id(positions, entry.positions)
        removed = {deal.id for deal in entry.deals_removed}
        kept = [deal for deal in deals if deal.id not in removed]
        deals = _merge_by_id(kept, (*entry.deals, *entry.deals_changed))
        orders = _merge_by_id(orders, entry.orders)
    used_position_ids = {deal.position_id for deal in deals}
    return Books(
        positions=[row for row in positions if until is None or row.id in used_position_ids],
        deals=deals,
        orders=list(_with_fills(orders, deals)),
    )


def compare_books(stored: Books, rebuilt: Books) -> Iterator[Difference]:
    """Yield every field in which the stored rows differ from the rebuilt ones."""
    yield from _compared("order", _ORDER, stored.orders, rebuilt.orders)
    yield from _compared("deal", _DEAL, stored.deals, rebuilt.deals)
    yield from _compared("position", _POSITION, stored.positions, rebuilt.positions)


def _as_of(position: Position, until: datetime | None) -> Position:
    """Return the position without a merge after ``until``."""
    ended = position.closed_at
    if until is None or position.merged_into is None or (ended is not None and ended <= until):
        return position
    return evolve(position, merged_into=None)


def _temporary_ids() -> IdGenerator:
    """Return a generator of negative ids for new rows, which uses no id of the database."""
    numbers = count(-1, -1)

    def next_id(kind: IdKind) -> int:
        return next(numbers)

    return next_id


def _merge_by_id(positions: Sequence[Row], changed: Sequence[Row]) -> list[Row]:
    return list(({row.id: row for row in positions} | {row.id: row for row in changed}).values())


def _with_fills(orders: Sequence[Order], deals: Sequence[Deal]) -> Iterator[Order]:
    """Yield the orders with the fills summed from their deals."""
    busted = busted_trade_ids(deals)
    by_order: dict[int | None, list[Deal]] = {}
    for deal in deals:
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in busted:
            by_order.setdefault(deal.order_id, []).append(deal)
    for order in orders:
        totals = sum_fills(by_order.get(order.id, ()))
        yield evolve(
            order,
            filled_qty=totals.filled_qty,
            fill_value=totals.fill_value,
            provisional_qty=totals.provisional_qty,
            fees=dict.fromkeys(order.fees, ZERO) | dict(totals.fees),
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
            in_rebuilt = "a row" if row_id in after else "nothing"
            in_stored = "a row" if row_id in before else "nothing"
            yield Difference(
                entity=entity, id=row_id, field="id", rebuilt=in_rebuilt, stored=in_stored
            )
            continue
        for name in fields:
            expected, actual = _comparable(after[row_id], name), _comparable(before[row_id], name)
            if expected != actual:
                yield Difference(
                    entity=entity,
                    id=row_id,
                    field=name,
                    rebuilt=format_value(expected),
                    stored=format_value(actual),
                )


def _comparable(row: object, name: str) -> object:
    field_value = getattr(row, name)
    if isinstance(field_value, Mapping):
        return {key: amount for key, amount in field_value.items() if amount}
    return field_value
