"""What a wallet of contracts can still pay for: marks, unrealised profit, margins, what is left.

One currency is one wallet: of all cross positions settled in it, and of its spot money. An
isolated position stands on its own margin and takes no part. It only reads.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT, ZERO, add, multiply, round_to_scale, subtract
from oms.domain.value import constructor, value
from oms.simulation.account.costs import (
    contract_lock_amount,
    initial_margin,
    opening_qty,
    signed_value,
)
from oms.simulation.market.matching import BookFill
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.contract_overrides import ContractOverrides, MarginMode
from oms.simulation.state.exchange_state import (
    Balance,
    Leg,
    Market,
    PaperOrder,
    PaperPosition,
    PositionKey,
)
from oms.simulation.state.step_state import StepState

_NOTHING = Balance()


class MarginView(Protocol):
    """What a wallet is counted from: a memory, or a sheet of one."""

    @property
    def balances(self) -> Mapping[str, Balance]:
        """By currency."""

    @property
    def positions(self) -> Mapping[PositionKey, PaperPosition]:
        """The open ones."""

    @property
    def markets(self) -> Mapping[str, Market]:
        """By symbol."""

    @property
    def contracts(self) -> Mapping[str, ContractOverrides]:
        """What was set by symbol."""


@value
class PositionMargin:
    """One position at its mark price; amounts in the settle currency, not rounded."""

    position: PaperPosition
    instrument: Instrument
    leverage: int
    is_isolated: bool
    #: ``None`` where no price is known: then it is counted as on the day it was opened.
    mark: Decimal | None
    #: In value space, at the mark.
    value: Decimal
    unrealised: Decimal

    @property
    def maintenance(self) -> Decimal:
        """Maintenance margin."""
        return multiply(self.value.copy_abs(), self.instrument.maintenance_rate)

    @property
    def initial(self) -> Decimal:
        """Initial margin."""
        return initial_margin(self.leverage, self.value)


_new_stand = constructor(PositionMargin)


@value
class Wallet:
    """One currency's money, told at 18 places.

    ``available = total + unrealised − initial − reserved``, less the margins of isolated
    positions. Without contracts it is what is free.
    """

    total: Decimal
    #: Unrealised profit of the cross positions.
    unrealised: Decimal
    #: Their initial margins at the mark price.
    initial: Decimal
    #: Their maintenance margins.
    maintenance: Decimal
    #: Held by open orders, of spot too.
    reserved: Decimal
    #: Margins of isolated positions.
    isolated: Decimal
    available: Decimal


def compute_position_margin(
    books: MarginView, settings: SimulationSettings, position: PaperPosition
) -> PositionMargin:
    """A position at its mark price."""
    instrument = settings.instruments[position.symbol]
    terms = books.contracts.get(position.symbol)
    mark, now = mark_to_market(books, instrument, position)
    return _new_stand(
        position=position,
        instrument=instrument,
        leverage=settings.leverage_of(instrument, terms),
        is_isolated=settings.margin_mode_of(terms) is MarginMode.ISOLATED,
        mark=mark,
        value=now,
        unrealised=subtract(now, position.cost),
    )


def mark_to_market(
    books: MarginView, instrument: Instrument, position: PaperPosition
) -> tuple[Decimal | None, Decimal]:
    """The mark price of a position and its value at that; its cost, where none is known."""
    market = books.markets.get(position.symbol)
    mark = None if market is None else market.mark_price
    return mark, position.cost if mark is None else signed_value(instrument, position.qty, mark)


def compute_position_margins(
    books: MarginView, settings: SimulationSettings, currency: str
) -> list[PositionMargin]:
    """The positions settled in ``currency``, at their marks."""
    instruments = settings.instruments
    return [
        compute_position_margin(books, settings, position)
        for position in books.positions.values()
        if instruments[position.symbol].settle == currency
    ]


def entry_price(instrument: Instrument, position: PaperPosition) -> Decimal:
    """The average price of a position at 18 places; on inverse it is the harmonic one."""
    contracts = multiply(position.qty, instrument.contract_size)
    if instrument.kind is InstrumentKind.INVERSE:
        return round_to_scale(EXACT.divide(contracts.copy_negate(), position.cost))
    return round_to_scale(EXACT.divide(position.cost, contracts))


def compute_wallet(books: MarginView, settings: SimulationSettings, currency: str) -> Wallet:
    """The whole state of one currency's wallet."""
    balance = books.balances.get(currency, _NOTHING)
    unrealised = initial = maintenance = locked = isolated = ZERO
    for stand in compute_position_margins(books, settings, currency):
        if stand.is_isolated:
            isolated = add(isolated, stand.position.margin)
            continue
        unrealised = add(unrealised, stand.unrealised)
        initial = add(initial, stand.initial)
        maintenance = add(maintenance, stand.maintenance)
        locked = add(locked, stand.position.margin)
    available = add(balance.free, subtract(add(unrealised, locked), initial))
    return Wallet(
        total=balance.total,
        unrealised=round_to_scale(unrealised),
        initial=initial,
        maintenance=round_to_scale(maintenance),
        reserved=subtract(balance.used, add(locked, isolated)),
        isolated=isolated,
        available=round_to_scale(available),
    )


def available(books: MarginView, settings: SimulationSettings, currency: str) -> Decimal:
    """What new positions may be opened with; exact."""
    left = books.balances.get(currency, _NOTHING).free
    if not books.positions:
        return left
    for stand in compute_position_margins(books, settings, currency):
        if not stand.is_isolated:
            bound = subtract(stand.initial, stand.position.margin)
            left = add(left, subtract(stand.unrealised, bound))
    return left


def withdrawable(sheet: StepState, currency: str) -> Decimal:
    """What may leave the wallet: money that is free and that no position needs.

    Profit that is not realised can be traded with but not spent.
    """
    return min(sheet.free(currency), available(sheet, sheet.settings, currency))


def has_positions_settled_in(sheet: StepState, currency: str) -> bool:
    """Whether positions are settled in ``currency``."""
    instruments = sheet.instruments
    return any(instruments[symbol].settle == currency for symbol, _ in sheet.positions)


def required_margin(
    sheet: StepState, order: PaperOrder, takings: Sequence[BookFill]
) -> tuple[Decimal, Decimal]:
    """Margin and fee of what would be opened at the dearest price, and what is there for it.

    Dearest of what it takes and of where it reserves. An order that opens beyond a close frees all
    that the closed position binds.
    """
    position, qty = sheet.position(order.symbol, order.leg), order.remaining
    opening = qty if position is None else opening_qty(order.side, qty, position.qty)
    if not opening:
        return ZERO, ZERO
    instrument, reserve = sheet.instruments[order.symbol], order.reserve_price
    need = ZERO if reserve is None else contract_lock_amount(sheet, instrument, opening, reserve)
    for taking in takings:
        lock = contract_lock_amount(sheet, instrument, opening, taking.price)
        if lock > need:
            need = lock
    if not need:
        return ZERO, ZERO
    there = available(sheet, sheet.settings, instrument.settle)
    if position is not None and opening < qty:
        stand = compute_position_margin(sheet, sheet.settings, position)
        freed = stand.initial
        if stand.is_isolated:
            freed = add(position.margin, stand.unrealised)
        there = add(there, freed)
    return need, there


def liquidation_price(
    books: MarginView, settings: SimulationSettings, symbol: str, leg: Leg
) -> Decimal | None:
    """The mark at which a position would be liquidated if all other marks stood still.

    ``None`` where there is no position, or no such price above 0. At 18 places.
    """
    position = books.positions.get((symbol, leg))
    if position is None:
        return None
    stand = compute_position_margin(books, settings, position)
    behind = position.margin
    if not stand.is_isolated:
        wallet = compute_wallet(books, settings, stand.instrument.settle)
        others = subtract(wallet.unrealised, stand.unrealised)
        needed = subtract(wallet.maintenance, stand.maintenance)
        behind = subtract(subtract(add(wallet.total, others), wallet.isolated), needed)
    return _price_for(stand, behind)


def _price_for(stand: PositionMargin, behind: Decimal) -> Decimal | None:
    """Where ``behind + unrealised = maintenance``: linear in the value, ``v − |v| · rate``."""
    unit = signed_value(stand.instrument, stand.position.qty, Decimal(1))
    rate = stand.instrument.maintenance_rate
    kept = EXACT.subtract(1, rate) if unit > 0 else EXACT.add(1, rate)
    slope = multiply(unit, kept)
    sought = subtract(stand.position.cost, behind)
    if not sought or not slope:
        return None
    if stand.instrument.kind is InstrumentKind.INVERSE:
        price = EXACT.divide(slope, sought)
    else:
        price = EXACT.divide(sought, slope)
    return round_to_scale(price) if price > 0 else None
