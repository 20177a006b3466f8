"""Costs of trading: fees, amounts locked by orders, and margins; exact, or rounded up.

Values are in the settle currency: quote on spot and linear contracts, where they are exact; base on
inverse contracts, where they are divided by a price and kept at 36 places.
"""

from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from functools import reduce

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.market_hours import Session
from oms.domain.money import DIGITS_MAX, EXACT, ZERO, add, multiply, round_to_scale, subtract
from oms.domain.orders.order import Side
from oms.simulation.settings import FeeRates, SimulationSettings
from oms.simulation.state.step_state import StepState

_QUANTUM = Decimal(1).scaleb(-DIGITS_MAX)
#: Costs have 18 places more than any reported amount: a share of them may have no decimal end.
_COST_QUANTUM = Decimal(1).scaleb(-2 * DIGITS_MAX)
_DOLLARS = frozenset({"USD", "USDT", "USDC"})
TIER_DAYS = 30
"""Days, including today, whose volume decides on the fee tier."""


def settle_value(instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
    """Returns the value of ``qty`` at ``price`` in the settle currency, signed like ``qty``."""
    if instrument.kind is InstrumentKind.INVERSE:
        return divide_cost(multiply(qty, instrument.contract_size), price)
    return multiply(multiply(qty, price), instrument.contract_size)


def signed_value(instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
    """Returns the value of ``qty``, negated on inverse contracts, where it falls with the price.

    The profit of a position is its signed value at the exit less that at the entry.
    """
    amount = settle_value(instrument, qty, price)
    return amount.copy_negate() if instrument.kind is InstrumentKind.INVERSE else amount


def divide_cost(amount: Decimal, divisor: Decimal) -> Decimal:
    """Returns ``amount / divisor`` at the 36 places of a cost."""
    return EXACT.divide(amount, divisor).quantize(_COST_QUANTUM, ROUND_HALF_EVEN, EXACT)


def current_fee_rates(state: StepState, instrument: Instrument) -> FeeRates:
    """Returns the fees in force: those of the highest tier that the 30-day volume has reached."""
    settings = state.settings
    rates = settings.rates_of(instrument.kind)
    if settings.fee_tiers:
        volume = reduce(add, _recent_volumes(state).values(), ZERO)
        for tier in settings.tiers_of(instrument.kind):
            if volume >= tier.volume:
                rates = tier.rates
    return rates


def add_traded_volume(
    state: StepState, instrument: Instrument, qty: Decimal, price: Decimal
) -> None:
    """Adds an execution to the volume that decides on fee tiers, in dollars.

    Volume in other quote currencies is converted by their price in USDT, or not counted without
    one.
    """
    amount = instrument.notional(qty, price)
    if instrument.quote not in _DOLLARS:
        market = state.markets.get(f"{instrument.quote}/USDT")
        quote_price = None if market is None else market.mark_price
        amount = multiply(amount, quote_price or ZERO)
    today = state.at.date().isoformat()
    volumes = _recent_volumes(state)
    volumes[today] = add(volumes.get(today, ZERO), amount)
    state.volumes = volumes


def _recent_volumes(state: StepState) -> dict[str, Decimal]:
    oldest = _day_before(state.at, TIER_DAYS - 1).isoformat()
    return {day: amount for day, amount in state.volumes.items() if day >= oldest}


def _day_before(timestamp: datetime, days: int) -> date:
    return timestamp.date() - timedelta(days=days)


def compute_fee(
    state: StepState,
    instrument: Instrument,
    side: Side,
    qty: Decimal,
    amount: Decimal,
    *,
    maker: bool,
) -> tuple[Decimal, str]:
    """Returns fee and fee currency of an execution worth ``amount``; rounded on inverse only.

    Spot buys pay in base (or quote, by setting), spot sells in quote, contracts in settle.
    """
    rates = current_fee_rates(state, instrument)
    rate = rates.maker if maker else rates.taker
    if instrument.kind is InstrumentKind.LINEAR:
        return multiply(amount, rate), instrument.settle
    if is_fee_in_base(state.settings, instrument, side):
        return multiply(qty, rate), instrument.base
    fee = multiply(amount, rate)
    return round_to_scale(
        fee
    ) if instrument.kind is InstrumentKind.INVERSE else fee, instrument.settle


def is_fee_in_base(settings: SimulationSettings, instrument: Instrument, side: Side) -> bool:
    """Returns whether the fee of an execution is taken from the bought base; never from shares."""
    return (
        settings.base_fee_on_buy
        and side is Side.BUY
        and instrument.kind is InstrumentKind.SPOT
        and instrument.session is Session.CONTINUOUS
    )


def max_fee(settings: SimulationSettings, instrument: Instrument, value: Decimal) -> Decimal:
    """Returns the highest fee for ``value`` in any tier."""
    rates = settings.rates_of(instrument.kind)
    rate = max(rates.maker, rates.taker, ZERO)
    if settings.fee_tiers:
        for tier in settings.tiers_of(instrument.kind):
            rate = max(rate, tier.rates.maker, tier.rates.taker)
    return multiply(value, rate)


def lock_currency(instrument: Instrument, side: Side) -> str:
    """Returns the currency that an order of ``side`` locks."""
    is_spot_sell = instrument.kind is InstrumentKind.SPOT and side is Side.SELL
    return instrument.base if is_spot_sell else instrument.settle


def spot_lock_amount(
    settings: SimulationSettings, instrument: Instrument, side: Side, qty: Decimal, price: Decimal
) -> Decimal:
    """Returns what a resting spot order locks: the base to sell, or cost and fee in quote."""
    if side is Side.SELL:
        return qty
    value = instrument.notional(qty, price)
    if is_fee_in_base(settings, instrument, side):
        return value
    return add(value, max_fee(settings, instrument, value))


def contract_lock_amount(
    state: StepState, instrument: Instrument, opening: Decimal, price: Decimal
) -> Decimal:
    """Returns initial margin and fee of the part of a contract order that opens a position."""
    if not opening:
        return ZERO
    settings, value = state.settings, settle_value(instrument, opening, price)
    leverage = settings.leverage_of(instrument, state.contracts.get(instrument.symbol))
    fee = max_fee(settings, instrument, value)
    if instrument.kind is InstrumentKind.INVERSE:
        fee = round_up(fee)
    return add(initial_margin(leverage, value), fee)


def initial_margin(leverage: int, value: Decimal) -> Decimal:
    """Returns the initial margin of a position worth ``value``, rounded up at 18 places."""
    return round_up(EXACT.divide(value.copy_abs(), leverage))


def round_up(amount: Decimal) -> Decimal:
    """Returns ``amount`` rounded up at 18 places."""
    return amount.quantize(_QUANTUM, ROUND_CEILING, EXACT)


def opening_qty(side: Side, qty: Decimal, position_qty: Decimal) -> Decimal:
    """Returns the part of an order that exceeds what it closes of a signed position."""
    if not position_qty or (position_qty > 0) == (side is Side.BUY):
        return qty
    return max(subtract(qty, position_qty.copy_abs()), ZERO)
