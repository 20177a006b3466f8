"""Settings of one paper exchange: instruments, fees and rules; constant over its steps."""

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
    """When a resting order is filled. Trades and quotes beyond its price fill it in every model."""

    #: Trades at its price consume the queue ahead, then the order; quotes fill up to their
    #: quantity.
    QUEUE = "queue"
    #: Never at its own price.
    THROUGH = "through"
    #: Entirely as soon as its price is reached.
    TOUCH = "touch"


@value
class Latency:
    """Delays of messages; each message takes up to ``jitter`` more."""

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
    """Fees from a 30-day volume in dollars on."""

    volume: Decimal
    rates: FeeRates


@value
class SimulationSettings:
    """Settings of ``step``."""

    instruments: Mapping[str, Instrument]
    fees: Mapping[InstrumentKind, FeeRates]
    #: Tiers by kind, the lowest volume first; below the first tier ``fees`` apply.
    fee_tiers: Mapping[InstrumentKind, tuple[FeeTier, ...]] = field(default_factory=dict)
    #: Whether a contract has two legs instead of one signed position.
    hedge: bool = False
    #: Whether a spot buy pays its fee in base; else in quote.
    base_fee_on_buy: bool = True
    allow_spot_short: bool = False
    leverage: int = 10
    margin_mode: MarginMode = MarginMode.CROSS
    #: Funding rate of contracts for which no other rate was received.
    funding_rate: Decimal = Decimal("0.0001")
    #: Price impact, as a fraction, of a market order that takes the shown depth once more.
    impact: Decimal = Decimal("0.001")
    #: Price move, as a fraction, of a market order at a price without quantity.
    slippage: Decimal = ZERO
    #: Spread around a price without bid and ask, in basis points.
    spread_bps: Decimal = ZERO
    fill: FillModel = FillModel.QUEUE
    #: Whether cancels ahead of a resting order advance it, in proportion.
    queue_prorata: bool = False
    #: Share of the first part of each fill of an arriving order, which is split in two; 0 is off.
    partial_fill: Decimal = ZERO
    #: Share of orders that are rejected on arrival.
    reject_rate: Decimal = ZERO
    #: Share of a candle's volume that resting orders may be filled with, in percent; 0 is all.
    volume_cap_pct: Decimal = ZERO
    #: Older prices neither fill nor trigger orders; ``None`` is no limit.
    max_price_age: timedelta | None = None
    #: The same for single symbols.
    price_ages: Mapping[str, timedelta | None] = field(default_factory=dict)
    #: Symbols whose market is closed: their prices neither fill nor trigger orders.
    closed_symbols: frozenset[str] = frozenset()
    #: ``None`` is no latency.
    latency: Latency | None = None
    seed: int = 0

    def price_age_of(self, symbol: str) -> timedelta | None:
        """Returns the age from which on a price of the symbol neither fills nor triggers orders."""
        return self.price_ages.get(symbol, self.max_price_age)

    def leverage_of(self, instrument: Instrument, terms: ContractOverrides | None = None) -> int:
        """Returns the leverage in force, limited to the maximum of the instrument."""
        requested = None if terms is None else terms.leverage
        return max(1, min(requested or self.leverage, instrument.max_leverage))

    def margin_mode_of(self, terms: ContractOverrides | None) -> MarginMode:
        """Returns the margin mode in force."""
        requested = None if terms is None else terms.margin_mode
        return requested or self.margin_mode

    def rates_of(self, kind: InstrumentKind) -> FeeRates:
        """Returns the fees below all tiers; inverse contracts have those of linear ones."""
        return self.fees[InstrumentKind.LINEAR if kind is InstrumentKind.INVERSE else kind]

    def tiers_of(self, kind: InstrumentKind) -> tuple[FeeTier, ...]:
        """Returns the fee tiers, the lowest first."""
        return self.fee_tiers.get(
            InstrumentKind.LINEAR if kind is InstrumentKind.INVERSE else kind, ()
        )
