"""How one paper exchange behaves: instruments, fees and rules; constant over its steps."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO
from oms.domain.value import value
from oms.simulation.state.contract_overrides import ContractOverrides, MarginMode


class FillModel(StrEnum):
    """When a resting order is executed; trades and quotes beyond its price fill it in each."""

    #: Trades at its price eat what was shown before it, then the order; quotes as far as they go.
    QUEUE = "queue"
    #: Never at its own price.
    THROUGH = "through"
    #: All of it as soon as its price is reached.
    TOUCH = "touch"


@value
class Latency:
    """How long messages are under way; each takes up to ``jitter`` more."""

    decision: timedelta = timedelta(0)
    ack: timedelta = timedelta(0)
    stream: timedelta = timedelta(0)
    jitter: timedelta = timedelta(0)


@value
class FeeRates:
    """Fees as fractions of the value (0.001 = 0.1 %); negative is a rebate."""

    maker: Decimal
    taker: Decimal


@value
class FeeTier:
    """Fees from a volume of the last 30 days on, in dollars."""

    volume: Decimal
    rates: FeeRates


@value
class SimulationSettings:
    """What ``step`` is told besides memory and input."""

    instruments: Mapping[str, Instrument]
    fees: Mapping[InstrumentKind, FeeRates]
    #: Tiers by kind, the lowest volume first; below the first ``fees`` hold.
    fee_tiers: Mapping[InstrumentKind, tuple[FeeTier, ...]] = field(default_factory=dict)
    #: Two legs per contract in place of one signed position.
    hedge: bool = False
    #: A spot buy pays its fee in base, else in quote.
    base_fee_on_buy: bool = True
    allow_spot_short: bool = False
    leverage: int = 10
    margin_mode: MarginMode = MarginMode.CROSS
    #: Funding of contracts for which no other rate was told.
    funding_rate: Decimal = Decimal("0.0001")
    #: How far a market order that takes as much again as is shown moves the price: a fraction.
    impact: Decimal = Decimal("0.001")
    #: How far a market order moves a price that is shown without quantity: a fraction.
    slippage: Decimal = ZERO
    #: Distance of bid and ask around a price that is told alone, in hundredths of a percent.
    spread_bps: Decimal = ZERO
    fill: FillModel = FillModel.QUEUE
    #: Orders canceled ahead of a resting one bring it forward, in proportion.
    queue_prorata: bool = False
    #: Splits each execution of an arriving order in two, the first of this share; 0 is off.
    partial_fill: Decimal = ZERO
    #: Share of orders that are rejected on arrival.
    reject_rate: Decimal = ZERO
    #: Share of a candle's volume that may be executed, in percent; 0 is all.
    volume_cap_pct: Decimal = ZERO
    #: Older prices fill and release nothing; ``None``: prices do not age.
    max_price_age: timedelta | None = None
    #: The same of symbols whose prices age differently.
    price_ages: Mapping[str, timedelta | None] = field(default_factory=dict)
    #: ``None`` is none at all.
    latency: Latency | None = None
    seed: int = 0

    def price_age_of(self, symbol: str) -> timedelta | None:
        """From what age on a price of the symbol fills and releases nothing."""
        return self.price_ages.get(symbol, self.max_price_age)

    def leverage_of(self, instrument: Instrument, terms: ContractOverrides | None = None) -> int:
        """The leverage in force, within what the instrument allows."""
        requested = None if terms is None else terms.leverage
        return max(1, min(requested or self.leverage, instrument.max_leverage))

    def margin_mode_of(self, terms: ContractOverrides | None) -> MarginMode:
        """The margin mode in force."""
        requested = None if terms is None else terms.margin_mode
        return requested or self.margin_mode

    def rates_of(self, kind: InstrumentKind) -> FeeRates:
        """Fees below all tiers; inverse contracts are charged as linear ones."""
        return self.fees[InstrumentKind.LINEAR if kind is InstrumentKind.INVERSE else kind]

    def tiers_of(self, kind: InstrumentKind) -> tuple[FeeTier, ...]:
        """Fee tiers, the lowest first."""
        return self.fee_tiers.get(
            InstrumentKind.LINEAR if kind is InstrumentKind.INVERSE else kind, ()
        )
