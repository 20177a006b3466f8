"""Positions: exposure with an average price, computed from deals only.

A position keeps a signed quantity ``Q`` and a signed cost ``C``, both exact, in value space ``v``
(``domain.instrument``), with ``m`` the contract size::

    same direction or flat      Q += d;  C += d·v(p)
    opposite, x ≤ |Q|           s = x/|Q|
                                profit += m·(x·sgn(Q)·v(p) − s·C);  C −= s·C;  Q moves x to zero

The average entry is ``v⁻¹(C/Q)``. A later entry never changes booked profit. Executions larger than
the position are split before (``allocation``).

Example: buy 10 at 150 and 5 at 160: Q = 15, C = 2300, average 153.33…; sell 5 at 170: profit =
5·170 − (5/15)·2300 = 83.33…, C = 1533.33…, the average stays.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import settle_fee
from oms.domain.money import (
    EXACT,
    ZERO,
    add,
    part_of,
    round_ratio,
    round_to_scale,
    subtract,
    sum_of,
)
from oms.domain.orders.order import Side
from oms.domain.protection.levels import Levels
from oms.domain.value import evolve, evolver, value

_NOTHING = Fraction(0)
DENOMINATOR_BITS_MAX = 1024
"""A sum with a larger denominator is rounded to 60 places, 42 below the last published digit.

Each further entry multiplies the denominator of a cost, each exit at another price that of an
inverse position's exit value; without a bound the sums of a long-lived position would grow
indefinitely.
"""


class PositionState(StrEnum):
    """State of a position; a merged one has ended in another."""

    OPEN = "open"
    CLOSE_REQUESTED = "close_requested"
    CLOSED = "closed"
    MERGED = "merged"


@value
class Position:
    """One exposure of an account in a symbol.

    ``qty`` is signed (positive long); ``cost`` and ``exit_value`` are sums in value space: of the
    open quantity and of all closed quantity. They are exact up to ``DENOMINATOR_BITS_MAX``.
    """

    id: int
    account_id: int
    symbol: str
    strategy_id: int
    #: Side of the opening; unchanged when the quantity is zero.
    side: Side
    qty: Decimal = ZERO
    cost: Fraction = Fraction(0)
    exit_value: Fraction = Fraction(0)
    #: Average entry at 18 places, of the open quantity or, once closed, of the last open one.
    avg_price: Decimal = ZERO
    close_price: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None
    #: What else closes it; ``None`` if nothing does or did.
    levels: Levels | None = None
    state: PositionState = PositionState.OPEN
    reason: str = "api"
    comment: str | None = None
    #: Id of the first position of a flip chain.
    identifier: int
    previous_position_id: int | None = None
    qty_opened: Decimal = ZERO
    qty_closed: Decimal = ZERO
    max_qty: Decimal = ZERO
    #: Gross, exact inside one deal, summed at 18 places.
    profit: Decimal = ZERO
    #: Profit less fees in the settle currency (base fees valued at their fill) plus funding. Fees
    #: in a third currency are in ``fees`` only.
    realized_pnl: Decimal = ZERO
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    funding: Decimal = ZERO
    close_reason: str | None = None
    external: bool = False
    merged_into: int | None = None
    version: int = 0
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the position holds quantity."""
        return self.state in (PositionState.OPEN, PositionState.CLOSE_REQUESTED)


_increased = evolver(
    Position,
    *("qty", "cost", "avg_price", "qty_opened", "max_qty", "realized_pnl", "fees"),
    *("updated_at", "version"),
)
_reduced = evolver(
    Position,
    *("qty", "cost", "exit_value", "qty_closed", "close_price", "profit", "realized_pnl", "fees"),
    *("state", "stop_loss", "stop_gain", "levels", "close_reason", "closed_at"),
    *("updated_at", "version"),
)


class Fill(NamedTuple):
    """The effect of one deal on one position: ``delta`` signed, fee as charged."""

    delta: Decimal
    price: Decimal
    fee: Decimal | None
    fee_currency: str | None
    reason: str
    executed_at: datetime
    received_at: datetime
    #: Exact price in value space if ``price`` is rounded.
    value: Fraction | None = None


def apply_fill(position: Position, instrument: Instrument, fill: Fill) -> tuple[Position, Decimal]:
    """Return the position after ``fill``, and the gross profit of the fill at 18 places.

    ``fill.delta`` may reduce the position to zero but not beyond.
    """
    is_increase = position.qty == 0 or (fill.delta > 0) == (position.qty > 0)
    if is_increase:
        return _increase(position, instrument, fill), ZERO
    exit_value_of_fill = _fill_value(instrument, fill.delta.copy_abs(), fill)
    profit, released = _release_cost(position, instrument, fill, exit_value_of_fill)
    return _reduce(position, instrument, fill, exit_value_of_fill, profit, released), profit


def unrealized_profit(position: Position, instrument: Instrument, mark: Decimal) -> Decimal:
    """Return the profit of closing all at ``mark``, before fees, at 18 places."""
    return _profit(instrument, instrument.worth(position.qty, mark) - position.cost)


def cost_basis(position: Position, instrument: Instrument) -> Decimal:
    """Return what the open quantity cost in the settle currency at 18 places, negative if short."""
    cost = _profit(instrument, position.cost)
    return cost.copy_negate() if instrument.kind is InstrumentKind.INVERSE else cost


def market_value(position: Position, instrument: Instrument, price: Decimal) -> Decimal:
    """Return what the open quantity is worth in the settle currency at ``price``.

    Its difference to the cost is the profit: what an inverse contract gains is taken from it.
    """
    cost = cost_basis(position, instrument)
    profit = unrealized_profit(position, instrument, price)
    is_inverse = instrument.kind is InstrumentKind.INVERSE
    return subtract(cost, profit) if is_inverse else add(cost, profit)


def apply_fee(position: Position, instrument: Instrument, fee: Decimal, currency: str) -> Position:
    """Return the position after a fee that was charged separately (negative: refunded)."""
    total_fee = position.fees.get(currency, ZERO)
    charged = settle_fee(instrument, fee, currency, None) or ZERO
    return evolve(
        position,
        fees={**position.fees, currency: add(total_fee, fee)},
        realized_pnl=EXACT.subtract(position.realized_pnl, charged),
        version=position.version + 1,
    )


def apply_funding(position: Position, amount: Decimal) -> Position:
    """Return the position after a funding payment; positive is received."""
    return evolve(
        position,
        funding=add(position.funding, amount),
        realized_pnl=add(position.realized_pnl, amount),
        version=position.version + 1,
    )


def join_positions(target: Position, source: Position, at: datetime) -> tuple[Position, Position]:
    """Move quantity and cost of the source to the target; returns target and source."""
    qty = add(target.qty, source.qty)
    cost = target.cost + source.cost
    grown = evolve(
        target,
        qty=qty,
        cost=_limit_denominator(cost),
        max_qty=max(target.max_qty, qty.copy_abs()),
        updated_at=at,
        version=target.version + 1,
    )
    ended = evolve(
        source,
        qty=ZERO,
        cost=Fraction(0),
        state=PositionState.MERGED,
        merged_into=target.id,
        stop_loss=None,
        stop_gain=None,
        levels=None,
        close_reason="merged",
        closed_at=at,
        updated_at=at,
        version=source.version + 1,
    )
    return grown, ended


def average_entry_price(position: Position, instrument: Instrument) -> Decimal:
    """Return the average entry price of the open quantity, at 18 places."""
    return _average(instrument, position.cost, position.qty)


def _average(instrument: Instrument, cost: Fraction, qty: Decimal) -> Decimal:
    """Return the price at which ``qty`` costs ``cost``, at 18 places."""
    if instrument.kind is InstrumentKind.INVERSE:
        return round_to_scale(instrument.price_of(cost / Fraction(qty)))
    up, down = qty.as_integer_ratio()
    value, parts = cost.as_integer_ratio()
    return round_ratio(value * down, parts * up)


def _profit(instrument: Instrument, gain: Fraction) -> Decimal:
    """Convert a gain in value space to the settle currency at 18 places."""
    return _profit_of_ratio(instrument, *gain.as_integer_ratio())


def _profit_of_ratio(instrument: Instrument, numerator: int, denominator: int) -> Decimal:
    """Return ``_profit`` of a ratio that need not be in lowest terms."""
    up, down = instrument.contract_size.as_integer_ratio()
    return round_ratio(numerator * up, denominator * down)


def _fill_value(instrument: Instrument, qty: Decimal, fill: Fill) -> Fraction:
    """Return ``qty`` of the fill in value space."""
    if fill.value is None:
        return instrument.worth(qty, fill.price)
    return Fraction(qty) * fill.value


def _increase(position: Position, instrument: Instrument, fill: Fill) -> Position:
    qty, cost = add(position.qty, fill.delta), _fill_value(instrument, fill.delta, fill)
    # Sums of fractions are slow: a position that holds nothing has no cost.
    cost = _limit_denominator(sum_of(position.cost, cost) if position.qty else cost)
    return _increased(
        position,
        qty=qty,
        cost=cost,
        avg_price=_average(instrument, cost, qty),
        qty_opened=add(position.qty_opened, fill.delta.copy_abs()),
        max_qty=max(position.max_qty, qty.copy_abs()),
        realized_pnl=_realized_pnl_after(position, instrument, fill, ZERO),
        fees=_fees_after(position, fill),
        updated_at=fill.received_at,
        version=position.version + 1,
    )


def _release_cost(
    position: Position, instrument: Instrument, fill: Fill, exit_value_of_fill: Fraction
) -> tuple[Decimal, Fraction]:
    """Return profit and released cost of a reducing fill worth ``exit_value_of_fill``."""
    size = fill.delta.copy_abs()
    held = position.qty.copy_abs()
    assert size <= held, "allocation splits executions that flip a position"
    released = position.cost
    if size != held:
        released = part_of(position.cost, size, held)
    value, parts = exit_value_of_fill.as_integer_ratio()
    cost, cost_parts = released.as_integer_ratio()
    gain = (value if position.qty > 0 else -value) * cost_parts - cost * parts
    return _profit_of_ratio(instrument, gain, parts * cost_parts), released


def _reduce(
    position: Position,
    instrument: Instrument,
    fill: Fill,
    exit_value_of_fill: Fraction,
    profit: Decimal,
    released: Fraction,
) -> Position:
    size = fill.delta.copy_abs()
    qty = add(position.qty, fill.delta)
    exits = exit_value_of_fill
    if position.qty_closed:
        exits = sum_of(position.exit_value, exits)
    closed = add(position.qty_closed, size)
    is_open = bool(qty)
    return _reduced(
        position,
        qty=qty,
        cost=_limit_denominator(sum_of(position.cost, -released)) if is_open else _NOTHING,
        exit_value=_limit_denominator(exits),
        qty_closed=closed,
        close_price=_average(instrument, exits, closed),
        profit=add(position.profit, profit),
        realized_pnl=_realized_pnl_after(position, instrument, fill, profit),
        fees=_fees_after(position, fill),
        state=position.state if is_open else PositionState.CLOSED,
        stop_loss=position.stop_loss if is_open else None,
        stop_gain=position.stop_gain if is_open else None,
        levels=position.levels if is_open else None,
        close_reason=None if is_open else fill.reason,
        closed_at=None if is_open else fill.executed_at,
        updated_at=fill.received_at,
        version=position.version + 1,
    )


def _realized_pnl_after(
    position: Position, instrument: Instrument, fill: Fill, profit: Decimal
) -> Decimal:
    charged = ZERO
    if fill.fee is not None and fill.fee_currency is not None:
        charged = settle_fee(instrument, fill.fee, fill.fee_currency, fill.price) or ZERO
    return add(position.realized_pnl, EXACT.subtract(profit, charged))


def _fees_after(position: Position, fill: Fill) -> Mapping[str, Decimal]:
    if fill.fee is None or fill.fee_currency is None:
        return position.fees
    total_fee = position.fees.get(fill.fee_currency, ZERO)
    return {**position.fees, fill.fee_currency: add(total_fee, fill.fee)}


def _limit_denominator(total: Fraction) -> Fraction:
    _, parts = total.as_integer_ratio()
    if parts.bit_length() <= DENOMINATOR_BITS_MAX:
        return total
    return Fraction(round(total * 10**60), 10**60)
