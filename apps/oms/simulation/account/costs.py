"""What trading costs: fees, the locks of resting orders, and margins. Exact, or rounded up.

Worths are in the settle currency: quote on spot and linear, where they are exact; base on inverse,
where a price divides and 36 places are kept.
"""

from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from functools import reduce

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import DIGITS_MAX, EXACT, ZERO, add, multiply, round_to_scale, subtract
from oms.domain.orders.order import Side
from oms.simulation.settings import FeeRates, SimulationSettings
from oms.simulation.state.step_state import StepState

_QUANTUM = Decimal(1).scaleb(-DIGITS_MAX)
#: Costs keep 18 places more than are ever told: a share of them may have no end.
_COST_QUANTUM = Decimal(1).scaleb(-2 * DIGITS_MAX)
_DOLLARS = frozenset({"USD", "USDT", "USDC"})
TIER_DAYS = 30
"""Days, the present one among them, whose volume decides on the fee tier."""


def settle_value(instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
    """What ``qty`` at ``price`` is worth in the settle currency, with the sign of ``qty``."""
    if instrument.kind is InstrumentKind.INVERSE:
        return divide_cost(multiply(qty, instrument.contract_size), price)
    return multiply(multiply(qty, price), instrument.contract_size)


def signed_value(instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
    """``qty`` in value space: its worth, negative on inverse, where a higher price is worth less.

    A position's profit is its value at the exit less its value at the entry.
    """
    amount = settle_value(instrument, qty, price)
    return amount.copy_negate() if instrument.kind is InstrumentKind.INVERSE else amount


def divide_cost(amount: Decimal, divisor: Decimal) -> Decimal:
    """``amount / divisor`` at the 36 places of a cost."""
    return EXACT.divide(amount, divisor).quantize(_COST_QUANTUM, ROUND_HALF_EVEN, EXACT)


def current_fee_rates(state: StepState, instrument: Instrument) -> FeeRates:
    """The fees in force: those of the highest tier that the last 30 days have reached."""
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
    """Count an execution towards the fee tiers, in dollars.

    What is quoted in another currency counts by its price in USDT, or not at all.
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
    """Fee and its currency of one execution worth ``amount``: × rate, never rounded but on inverse.

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
    """Whether an execution's fee is taken from the bought base."""
    return instrument.kind is InstrumentKind.SPOT and side is Side.BUY and settings.base_fee_on_buy


def max_fee(settings: SimulationSettings, instrument: Instrument, value: Decimal) -> Decimal:
    """The largest fee that ``value`` may cost, in any tier."""
    rates = settings.rates_of(instrument.kind)
    rate = max(rates.maker, rates.taker, ZERO)
    if settings.fee_tiers:
        for tier in settings.tiers_of(instrument.kind):
            rate = max(rate, tier.rates.maker, tier.rates.taker)
    return multiply(value, rate)


def lock_currency(instrument: Instrument, side: Side) -> str:
    """The currency that an order of ``side`` holds locked."""
    is_spot_sell = instrument.kind is InstrumentKind.SPOT and side is Side.SELL
    return instrument.base if is_spot_sell else instrument.settle


def spot_lock_amount(
    settings: SimulationSettings, instrument: Instrument, side: Side, qty: Decimal, price: Decimal
) -> Decimal:
    """What a resting spot order locks: base to sell, or the cost and a fee paid in quote."""
    if side is Side.SELL:
        return qty
    value = instrument.notional(qty, price)
    if is_fee_in_base(settings, instrument, side):
        return value
    return add(value, max_fee(settings, instrument, value))


def contract_lock_amount(
    state: StepState, instrument: Instrument, opening: Decimal, price: Decimal
) -> Decimal:
    """Initial margin and fee of the part of a contract order that opens or enlarges."""
    if not opening:
        return ZERO
    settings, value = state.settings, settle_value(instrument, opening, price)
    leverage = settings.leverage_of(instrument, state.contracts.get(instrument.symbol))
    fee = max_fee(settings, instrument, value)
    if instrument.kind is InstrumentKind.INVERSE:
        fee = round_up(fee)
    return add(initial_margin(leverage, value), fee)


def initial_margin(leverage: int, value: Decimal) -> Decimal:
    """Initial margin of a contract position worth ``value``, at 18 places, rounded up."""
    return round_up(EXACT.divide(value.copy_abs(), leverage))


def round_up(amount: Decimal) -> Decimal:
    """``amount`` at 18 places, never less."""
    return amount.quantize(_QUANTUM, ROUND_CEILING, EXACT)


def opening_qty(side: Side, qty: Decimal, position_qty: Decimal) -> Decimal:
    """The part of an order beyond what it closes of a signed position ``held``."""
    if not position_qty or (position_qty > 0) == (side is Side.BUY):
        return qty
    return max(subtract(qty, position_qty.copy_abs()), ZERO)
