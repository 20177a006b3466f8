"""Margin of contract wallets: mark prices, unrealised profit, margins, and what is available.

Each currency is one wallet: all cross positions settled in it, and its spot balance. An isolated
position is covered by its own margin only. Nothing here changes the state.
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
from oms.simulation.state.paper_account import Balance, PaperPosition, PositionKey
from oms.simulation.state.paper_market import Market
from oms.simulation.state.paper_order import Leg, PaperOrder
from oms.simulation.state.step_state import StepState

_NOTHING = Balance()


class MarginView(Protocol):
    """What a wallet is computed from: an exchange state or a step state."""

    @property
    def balances(self) -> Mapping[str, Balance]:
        """Balances by currency."""

    @property
    def positions(self) -> Mapping[PositionKey, PaperPosition]:
        """Open positions."""

    @property
    def markets(self) -> Mapping[str, Market]:
        """Markets by symbol."""

    @property
    def contracts(self) -> Mapping[str, ContractOverrides]:
        """Contract settings by symbol."""


@value
class PositionMargin:
    """One position at its mark price; amounts in the settle currency, not rounded."""

    position: PaperPosition
    instrument: Instrument
    leverage: int
    is_isolated: bool
    #: ``None`` where no price is known; the position is then valued at its cost.
    mark: Decimal | None
    #: Signed value at the mark price.
    value: Decimal
    unrealised: Decimal

    @property
    def maintenance(self) -> Decimal:
        """Returns the maintenance margin."""
        return multiply(self.value.copy_abs(), self.instrument.maintenance_rate)

    @property
    def initial(self) -> Decimal:
        """Returns the initial margin."""
        return initial_margin(self.leverage, self.value)


_new_position_margin = constructor(PositionMargin)


@value
class Wallet:
    """One currency's money at 18 places.

    ``available = total + unrealised − initial − reserved``, less the margins of isolated positions.
    Without contracts it is the free balance.
    """

    total: Decimal
    #: Unrealised profit of the cross positions.
    unrealised: Decimal
    #: Initial margins of the cross positions at the mark price.
    initial: Decimal
    #: Maintenance margins of the cross positions.
    maintenance: Decimal
    #: Locked by open orders, including spot orders.
    reserved: Decimal
    #: Margins of isolated positions.
    isolated: Decimal
    available: Decimal


def compute_position_margin(
    view: MarginView, settings: SimulationSettings, position: PaperPosition
) -> PositionMargin:
    """Returns a position at its mark price."""
    instrument = settings.instruments[position.symbol]
    terms = view.contracts.get(position.symbol)
    mark, value_at_mark = mark_to_market(view, instrument, position)
    return _new_position_margin(
        position=position,
        instrument=instrument,
        leverage=settings.leverage_of(instrument, terms),
        is_isolated=settings.margin_mode_of(terms) is MarginMode.ISOLATED,
        mark=mark,
        value=value_at_mark,
        unrealised=subtract(value_at_mark, position.cost),
    )


def mark_to_market(
    view: MarginView, instrument: Instrument, position: PaperPosition
) -> tuple[Decimal | None, Decimal]:
    """Returns mark price and value of a position; ``None`` and its cost where no price is known."""
    market = view.markets.get(position.symbol)
    mark = None if market is None else market.mark_price
    return mark, position.cost if mark is None else signed_value(instrument, position.qty, mark)


def compute_position_margins(
    view: MarginView, settings: SimulationSettings, currency: str
) -> list[PositionMargin]:
    """Returns the positions settled in ``currency`` at their mark prices."""
    instruments = settings.instruments
    return [
        compute_position_margin(view, settings, position)
        for position in view.positions.values()
        if instruments[position.symbol].settle == currency
    ]


def entry_price(instrument: Instrument, position: PaperPosition) -> Decimal:
    """Returns the average price of a position at 18 places; on inverse the harmonic mean."""
    contracts = multiply(position.qty, instrument.contract_size)
    if instrument.kind is InstrumentKind.INVERSE:
        return round_to_scale(EXACT.divide(contracts.copy_negate(), position.cost))
    return round_to_scale(EXACT.divide(position.cost, contracts))


def compute_wallet(view: MarginView, settings: SimulationSettings, currency: str) -> Wallet:
    """Returns the wallet of one currency."""
    balance = view.balances.get(currency, _NOTHING)
    unrealised = initial = maintenance = locked = isolated = ZERO
    for position_margin in compute_position_margins(view, settings, currency):
        if position_margin.is_isolated:
            isolated = add(isolated, position_margin.position.margin)
            continue
        unrealised = add(unrealised, position_margin.unrealised)
        initial = add(initial, position_margin.initial)
        maintenance = add(maintenance, position_margin.maintenance)
        locked = add(locked, position_margin.position.margin)
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


def available(view: MarginView, settings: SimulationSettings, currency: str) -> Decimal:
    """Returns the exact amount that new positions may be opened with."""
    left = view.balances.get(currency, _NOTHING).free
    if not view.positions:
        return left
    for position_margin in compute_position_margins(view, settings, currency):
        if not position_margin.is_isolated:
            extra_margin = subtract(position_margin.initial, position_margin.position.margin)
            left = add(left, subtract(position_margin.unrealised, extra_margin))
    return left


def withdrawable(state: StepState, currency: str) -> Decimal:
    """Returns what may leave the wallet: what is free and not bound by positions.

    Unrealised profit can be used as margin but not withdrawn.
    """
    return min(state.free_balance(currency), available(state, state.settings, currency))


def has_positions_settled_in(state: StepState, currency: str) -> bool:
    """Returns whether positions are settled in ``currency``."""
    instruments = state.instruments
    return any(instruments[symbol].settle == currency for symbol, _ in state.positions)


def required_margin(
    state: StepState, order: PaperOrder, fills: Sequence[BookFill]
) -> tuple[Decimal, Decimal]:
    """Returns the margin and fee that opening at the worst price needs, and the funds for it.

    The worst price is that of the fills or the reserve price. An order that closes a position and
    opens the opposite one also has the margin that the close releases.
    """
    position, qty = state.position(order.symbol, order.leg), order.remaining
    opening = qty if position is None else opening_qty(order.side, qty, position.qty)
    if not opening:
        return ZERO, ZERO
    instrument, reserve = state.instruments[order.symbol], order.reserve_price
    needed = ZERO if reserve is None else contract_lock_amount(state, instrument, opening, reserve)
    for fill in fills:
        lock = contract_lock_amount(state, instrument, opening, fill.price)
        if lock > needed:
            needed = lock
    if not needed:
        return ZERO, ZERO
    funds = available(state, state.settings, instrument.settle)
    if position is not None and opening < qty:
        position_margin = compute_position_margin(state, state.settings, position)
        released_margin = position_margin.initial
        if position_margin.is_isolated:
            released_margin = add(position.margin, position_margin.unrealised)
        funds = add(funds, released_margin)
    return needed, funds


def liquidation_price(
    view: MarginView, settings: SimulationSettings, symbol: str, leg: Leg
) -> Decimal | None:
    """Returns the mark price at which a position is liquidated, other marks unchanged.

    At 18 places; ``None`` without a position, or without such a price above 0.
    """
    position = view.positions.get((symbol, leg))
    if position is None:
        return None
    position_margin = compute_position_margin(view, settings, position)
    backing = position.margin
    if not position_margin.is_isolated:
        wallet = compute_wallet(view, settings, position_margin.instrument.settle)
        others = subtract(wallet.unrealised, position_margin.unrealised)
        needed = subtract(wallet.maintenance, position_margin.maintenance)
        backing = subtract(subtract(add(wallet.total, others), wallet.isolated), needed)
    return _liquidation_mark(position_margin, backing)


def _liquidation_mark(position_margin: PositionMargin, backing: Decimal) -> Decimal | None:
    """Solves ``backing + unrealised = maintenance``; linear in the value, ``v − |v| · rate``."""
    unit = signed_value(position_margin.instrument, position_margin.position.qty, Decimal(1))
    rate = position_margin.instrument.maintenance_rate
    kept_fraction = EXACT.subtract(1, rate) if unit > 0 else EXACT.add(1, rate)
    slope = multiply(unit, kept_fraction)
    target = subtract(position_margin.position.cost, backing)
    if not target or not slope:
        return None
    if position_margin.instrument.kind is InstrumentKind.INVERSE:
        price = EXACT.divide(slope, target)
    else:
        price = EXACT.divide(target, slope)
    return round_to_scale(price) if price > 0 else None
