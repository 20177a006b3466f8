"""What must be true of stored rows, as pure rules: rows in, findings out.

fills       Σ deals of an order = its filled quantity, value and fees; its state follows from them
positions   Σ signed deals of a position = its quantity; folding its deals gives the stored row
modes       netting: at most one open position a symbol; strategy_netting: one a strategy of it
commands    a final command has one result, an error exactly when it went wrong; none is stuck
paper       what is locked is locked for something; its contracts are those of our book

Nothing is repaired here. A deal's place in the fold is the exchange's time, then ours, then its id.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from oms.domain.account import Account, PositionMode
from oms.domain.command import CommandStatus
from oms.domain.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, plain, product, total
from oms.domain.order import Order, OrderState, Side
from oms.domain.position import Fill, Position, PositionState, folded
from oms.ports.queue import CommandRow
from oms.simulation.memory import Leg, Memory

#: What folding a position's deals must give again.
_FOLDED = (
    "qty",
    "cost",
    "exit_value",
    "avg_price",
    "close_price",
    "qty_opened",
    "qty_closed",
    "max_qty",
    "profit",
    "realized_pnl",
    "fees",
    "is_open",
)
_WENT_WRONG = frozenset({CommandStatus.FAILED, CommandStatus.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach: which invariant, and what was found."""

    invariant: str
    message: str


def order_findings(order: Order, deals: Iterable[Deal]) -> Iterator[Finding]:
    """Whether the order's fills are its deals, and its state what they say."""
    trades = [deal for deal in deals if deal.type is DealType.TRADE]
    filled, value = ZERO, ZERO
    fees: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for deal in trades:
        filled = total(filled, deal.qty)
        value = total(value, product(deal.qty, deal.price))
        if deal.fee is not None and deal.fee_currency is not None:
            fees[deal.fee_currency] = total(fees[deal.fee_currency], deal.fee)
    name = f"order {order.id}"
    if filled != order.filled_qty:
        told = f"its deals sum to {plain(filled)}, it tells {plain(order.filled_qty)}"
        yield Finding(invariant="fills", message=f"{name}: {told}")
    if value != order.fill_value:
        yield Finding(invariant="fills", message=f"{name}: its value is not that of its deals")
    if _without_zeros(fees) != _without_zeros(order.fees):
        yield Finding(invariant="fills", message=f"{name}: its fees are not those of its deals")
    if not _follows(order, filled):
        told = f"{order.state.value} with {plain(filled)} of {plain(order.qty)} filled"
        yield Finding(invariant="fills", message=f"{name}: {told}")


def position_findings(
    position: Position, instrument: Instrument | None, deals: Sequence[Deal]
) -> Iterator[Finding]:
    """Whether the stored position is the fold of its deals."""
    name = f"position {position.id}"
    if instrument is None:
        message = f"{name}: {position.symbol} is not traded here"
        yield Finding(invariant="positions", message=message)
        return
    if position.state is PositionState.MERGED:
        return
    after = _blank(position)
    for deal in sorted(deals, key=lambda d: (d.executed_at, d.created_at, d.id)):
        delta = signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency)
        grows = after.qty == 0 or (delta > 0) == (after.qty > 0)
        if not grows and delta.copy_abs() > after.qty.copy_abs():
            message = f"{name}: deal {deal.id} takes more than there was"
            yield Finding(invariant="positions", message=message)
            return
        after, profit = folded(after, instrument, _fill(deal, delta))
        if profit != deal.profit or grows is not (deal.entry is DealEntry.IN):
            message = f"{name}: deal {deal.id} does not tell what it did"
            yield Finding(invariant="positions", message=message)
    for field in _FOLDED:
        if getattr(after, field) != getattr(position, field):
            told = f"{field} is {_text(getattr(position, field))}"
            message = f"{name}: {told}, its deals give {_text(getattr(after, field))}"
            yield Finding(invariant="positions", message=message)


def mode_findings(mode: PositionMode, positions: Iterable[Position]) -> Iterator[Finding]:
    """Whether the open positions are as many as the mode allows."""
    if mode is PositionMode.HEDGE:
        return
    by_strategy = mode is PositionMode.STRATEGY_NETTING
    held = Counter((p.symbol, p.strategy_id if by_strategy else None) for p in positions)
    for (symbol, strategy_id), count in held.items():
        if count > 1:
            where = symbol if strategy_id is None else f"{symbol}, strategy {strategy_id}"
            message = f"{where}: {count} open positions in {mode.value}"
            yield Finding(invariant="modes", message=message)


def command_findings(
    command: CommandRow, now: datetime, stuck_after: timedelta
) -> Iterator[Finding]:
    """Whether the command has its one result, or may still get it."""
    name = f"command {command.id}"
    if not command.status.is_final:
        if now - command.created_at > stuck_after:
            message = f"{name}: {command.status.value} since {command.created_at.isoformat()}"
            yield Finding(invariant="commands", message=message)
        return
    if command.finished_at is None:
        yield Finding(invariant="commands", message=f"{name}: final without a time of its end")
    if (command.error is not None) is not (command.status in _WENT_WRONG):
        told = "an error" if command.error is not None else "no error"
        message = f"{name}: {command.status.value} with {told}"
        yield Finding(invariant="commands", message=message)


def paper_findings(
    account: Account,
    memory: Memory,
    instruments: Mapping[str, Instrument],
    open_positions: Iterable[Position],
) -> Iterator[Finding]:
    """Whether the paper exchange's money is whole and its contracts are ours."""
    locks = _locks(memory, instruments)
    #: A loss on contracts may make what is left of their currency negative.
    owing = {i.settle for i in instruments.values() if i.symbol != f"{i.base}/{i.quote}"}
    for currency, balance in memory.balances.items():
        if balance.used != locks[currency]:
            told = f"{plain(balance.used)} locked, for {plain(locks[currency])}"
            yield Finding(invariant="paper", message=f"{currency}: {told}")
        may_owe = account.paper.allow_spot_short or currency in owing
        if balance.used < 0 or (balance.total < 0 and not may_owe):
            message = f"{currency}: free {plain(balance.free)}, used {plain(balance.used)}"
            yield Finding(invariant="paper", message=message)
    booked: dict[tuple[str, Leg], Decimal] = defaultdict(lambda: ZERO)
    for position in open_positions:
        if ":" in position.symbol:
            key = (position.symbol, _leg(account, position))
            booked[key] = total(booked[key], position.qty)
    there = {key: held.qty for key, held in memory.positions.items()}
    for symbol, leg in sorted(booked.keys() | there.keys()):
        ours, theirs = booked.get((symbol, leg), ZERO), there.get((symbol, leg), ZERO)
        if ours != theirs:
            told = f"{plain(ours)} in our book, {plain(theirs)} at the exchange"
            yield Finding(invariant="paper", message=f"{symbol} {leg.value}: {told}")


def _follows(order: Order, filled: Decimal) -> bool:
    """Whether the state is one that the filled quantity allows."""
    if (order.closed_at is None) is not order.is_open:
        return False
    match order.state:
        case OrderState.FILLED:
            return filled >= order.qty
        case OrderState.PARTIALLY_FILLED:
            return ZERO < filled < order.qty
        case OrderState.CANCELED | OrderState.EXPIRED | OrderState.REJECTED:
            return filled < order.qty
        case OrderState.PENDING_SUBMIT | OrderState.UNKNOWN | OrderState.SUBMITTED:
            return filled == 0


def _blank(position: Position) -> Position:
    """The position before its first deal."""
    return replace(
        position,
        qty=ZERO,
        cost=Fraction(0),
        exit_value=Fraction(0),
        avg_price=ZERO,
        close_price=None,
        state=PositionState.OPEN,
        qty_opened=ZERO,
        qty_closed=ZERO,
        max_qty=ZERO,
        profit=ZERO,
        realized_pnl=position.funding,
        fees={},
        close_reason=None,
        closed_at=None,
    )


def _fill(deal: Deal, delta: Decimal) -> Fill:
    return Fill(
        delta=delta,
        price=deal.price,
        fee=deal.fee,
        fee_currency=deal.fee_currency,
        reason=deal.reason,
        executed_at=deal.executed_at,
        heard_at=deal.created_at,
    )


def _locks(memory: Memory, instruments: Mapping[str, Instrument]) -> Mapping[str, Decimal]:
    """What open orders and margins hold, by currency."""
    locks: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for orders in memory.orders.values():
        for order in orders.values():
            locks[order.locked_currency] = total(locks[order.locked_currency], order.locked)
    for (symbol, _), position in memory.positions.items():
        settle = instruments[symbol].settle
        locks[settle] = total(locks[settle], position.margin)
    return locks


def _leg(account: Account, position: Position) -> Leg:
    if account.position_mode is not PositionMode.HEDGE:
        return Leg.BOTH
    return Leg.LONG if position.side is Side.BUY else Leg.SHORT


def _without_zeros(fees: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    return {currency: fee for currency, fee in fees.items() if fee}


def _text(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
