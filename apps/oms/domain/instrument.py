"""Instruments: symbols with their step sizes, currencies and contract terms.

One formula serves all kinds: costs are counted in *value space*, ``v(p) = p`` for spot and linear,
``v(p) = −1/p`` for inverse, times the contract size (1 for spot).
"""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from oms.domain.errors import Refused
from oms.domain.market_hours import Session
from oms.domain.money import (
    ZERO,
    decimal_text,
    exact_fraction,
    is_on_step,
    multiply,
    round_down_to_step,
)
from oms.domain.value import value


class InstrumentKind(StrEnum):
    """How profit is counted: spot and linear in quote, inverse in base."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"


@value
class Instrument:
    """One symbol of one exchange; quantities are multiples of ``step``, prices of ``tick``."""

    symbol: str
    kind: InstrumentKind
    base: str
    quote: str
    #: Currency in which profit and margin are paid; quote on spot.
    settle: str
    tick: Decimal
    step: Decimal
    #: Minimum order value in quote.
    min_notional: Decimal
    #: Base per contract, quote per contract on inverse; 1 on spot.
    contract_size: Decimal = Decimal(1)
    #: Base per unit of the exchange's amounts: 1 if it counts in base, else its contract size. Used
    #: by adapters only: all quantities of the domain are in base.
    amount_unit: Decimal = Decimal(1)
    max_leverage: int = 1
    #: Maintenance margin as a share of the notional.
    maintenance_rate: Decimal = ZERO
    #: When it trades.
    session: Session = Session.CONTINUOUS

    def value(self, price: Decimal) -> Fraction:
        """Return ``v(price)``, the price in value space."""
        if self.kind is InstrumentKind.INVERSE:
            return -1 / exact_fraction(price)
        return exact_fraction(price)

    def worth(self, qty: Decimal, price: Decimal) -> Fraction:
        """Return ``qty × v(price)``, exact."""
        if self.kind is InstrumentKind.INVERSE:
            return -exact_fraction(qty) / exact_fraction(price)
        return exact_fraction(multiply(qty, price))

    def price_of(self, value: Fraction) -> Fraction:
        """Return the price whose value is ``value``: the inverse of ``value()``."""
        if self.kind is InstrumentKind.INVERSE:
            return -1 / value
        return value

    def notional(self, qty: Decimal, price: Decimal) -> Decimal:
        """Return the exact worth of ``qty`` at ``price`` in quote; independent of the price on
        inverse.
        """
        if self.kind is InstrumentKind.INVERSE:
            return multiply(qty, self.contract_size)
        return multiply(multiply(qty, price), self.contract_size)


def refuse_off_grid(
    instrument: Instrument, *, qty: Decimal | None, prices: tuple[Decimal | None, ...] = ()
) -> Refused | None:
    """Refuse a quantity off the step or prices off the tick; nothing is rounded implicitly."""
    if qty is not None:
        if qty < instrument.step:
            return Refused(
                code="qty_below_minimum",
                message=f"qty {decimal_text(qty)} is below the smallest quantity of"
                f" {instrument.symbol}, {decimal_text(instrument.step)}",
                limit=instrument.step,
                value=qty,
                set_by="exchange",
            )
        if not is_on_step(qty, instrument.step):
            return _off_grid("qty", qty, instrument.step, instrument, down=True)
    for price in prices:
        if price is not None and not is_on_step(price, instrument.tick):
            return _off_grid("price", price, instrument.tick, instrument, down=False)
    return None


def refuse_below_min_notional(
    instrument: Instrument, *, qty: Decimal, price: Decimal
) -> Refused | None:
    """Refuse an order below the minimum notional of the instrument."""
    worth = instrument.notional(qty, price)
    if worth >= instrument.min_notional:
        return None
    return Refused(
        code="notional_below_minimum",
        message=f"{decimal_text(qty)} {instrument.symbol} at {decimal_text(price)} is worth"
        f" {decimal_text(worth)} {instrument.quote}, below the minimum"
        f" {decimal_text(instrument.min_notional)}",
        limit=instrument.min_notional,
        value=worth,
        set_by="exchange",
    )


def _off_grid(
    name: str, value: Decimal, grid: Decimal, instrument: Instrument, *, down: bool
) -> Refused:
    word = "step" if down else "tick"
    hint = (
        f"; the next lower is {decimal_text(round_down_to_step(value, grid))}"
        if value >= grid
        else ""
    )
    return Refused(
        code="precision_mismatch",
        reason=name,
        message=f"{name} {decimal_text(value)} is not a multiple of the {word} {decimal_text(grid)}"
        f" of {instrument.symbol}{hint}",
        limit=grid,
        value=value,
        set_by="exchange",
    )
