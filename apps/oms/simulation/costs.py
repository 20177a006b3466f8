"""What trading costs: fees, the locks of resting orders, and margins. Exact, or rounded up."""

from decimal import ROUND_CEILING, Decimal

from oms.domain.instrument import Instrument, Kind
from oms.domain.money import DIGITS_MAX, EXACT, ZERO, difference, product, total
from oms.domain.order import Side
from oms.simulation.settings import Settings

_QUANTUM = Decimal(1).scaleb(-DIGITS_MAX)


def fee_of(
    settings: Settings,
    instrument: Instrument,
    side: Side,
    qty: Decimal,
    price: Decimal,
    *,
    maker: bool,
) -> tuple[Decimal, str]:
    """Fee and its currency of one execution: value × rate, never rounded.

    Spot buys pay in base (or quote, by setting), spot sells in quote, contracts in settle.
    """
    rates = settings.fees[instrument.kind]
    rate = rates.maker if maker else rates.taker
    if pays_in_base(settings, instrument, side):
        return product(qty, rate), instrument.base
    return product(instrument.notional(qty, price), rate), instrument.settle


def pays_in_base(settings: Settings, instrument: Instrument, side: Side) -> bool:
    """Whether an execution's fee is taken from the bought base."""
    return instrument.kind is Kind.SPOT and side is Side.BUY and settings.base_fee_on_buy


def fee_reserve(settings: Settings, instrument: Instrument, value: Decimal) -> Decimal:
    """The largest fee that ``value`` may cost."""
    rates = settings.fees[instrument.kind]
    return product(value, max(rates.maker, rates.taker, ZERO))


def lock_currency(instrument: Instrument, side: Side) -> str:
    """The currency that an order of ``side`` holds locked."""
    is_spot_sell = instrument.kind is Kind.SPOT and side is Side.SELL
    return instrument.base if is_spot_sell else instrument.settle


def spot_lock(
    settings: Settings, instrument: Instrument, side: Side, qty: Decimal, price: Decimal
) -> Decimal:
    """What a resting spot order locks: base to sell, or the cost and a fee paid in quote."""
    if side is Side.SELL:
        return qty
    value = instrument.notional(qty, price)
    if pays_in_base(settings, instrument, side):
        return value
    return total(value, fee_reserve(settings, instrument, value))


def linear_lock(
    settings: Settings, instrument: Instrument, opening: Decimal, price: Decimal
) -> Decimal:
    """Initial margin and fee of the part of a contract order that opens or enlarges."""
    if not opening:
        return ZERO
    value = instrument.notional(opening, price)
    margin = margin_of(settings, instrument, value)
    return total(margin, fee_reserve(settings, instrument, value))


def margin_of(settings: Settings, instrument: Instrument, value: Decimal) -> Decimal:
    """Initial margin of a contract position worth ``value``, at 18 places, rounded up."""
    share = EXACT.divide(value.copy_abs(), Decimal(settings.leverage_of(instrument)))
    return share.quantize(_QUANTUM, ROUND_CEILING, EXACT)


def opening_qty(side: Side, qty: Decimal, held: Decimal) -> Decimal:
    """The part of an order beyond what it closes of a signed position ``held``."""
    if not held or (held > 0) == (side is Side.BUY):
        return qty
    return max(difference(qty, held.copy_abs()), ZERO)
