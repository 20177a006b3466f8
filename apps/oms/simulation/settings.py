"""How one paper exchange behaves: instruments, fees and rules; constant over its steps."""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.instrument import Instrument, Kind
from oms.domain.value import value


@value
class Rates:
    """Fees as fractions of the value (0.001 = 0.1 %); negative is a rebate."""

    maker: Decimal
    taker: Decimal


@value
class Settings:
    """What ``step`` is told besides memory and input."""

    instruments: Mapping[str, Instrument]
    fees: Mapping[Kind, Rates]
    #: Two legs per contract in place of one signed position.
    hedge: bool = False
    #: A spot buy pays its fee in base, else in quote.
    base_fee_on_buy: bool = True
    allow_spot_short: bool = False
    leverage: int = 10
    #: How far a market order that takes as much again as is shown moves the price: a fraction.
    impact: Decimal = Decimal("0.001")

    def leverage_of(self, instrument: Instrument) -> int:
        """The leverage in force, within what the instrument allows."""
        return min(self.leverage, instrument.max_leverage)
