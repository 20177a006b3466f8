"""Accounts: one set of exchange credentials and its settings."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from oms.domain.protection.stop_settings import StopSettings
from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals
from oms.domain.value import value


class PositionMode(StrEnum):
    """How deals form positions: one per ticket, per symbol, or per symbol and strategy."""

    HEDGE = "hedge"
    NETTING = "netting"
    STRATEGY_NETTING = "strategy_netting"


class Engine(StrEnum):
    """Execution engine of an account."""

    PAPER = "paper"
    CCXT = "ccxt"
    CCXTPRO = "ccxtpro"


class Environment(StrEnum):
    """Trading environment of an account; only ``LIVE`` trades real money."""

    PAPER = "paper"
    TESTNET = "testnet"
    DEMO = "demo"
    LOOPBACK = "loopback"
    LIVE = "live"


@value
class ReplaySettings:
    """``replay`` of the paper settings: recorded price files and how they are played."""

    #: Files in the recordings folder, merged by time, for symbols without files of their own.
    file: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Recorded time per wall time; 0 advances one price per read.
    speed: Decimal = Decimal(1)
    loop: bool = False
    #: Wall time at which the recording begins; ``None``: at the first read.
    start: datetime | None = None

    def files_of(self, symbol: str) -> tuple[str, ...]:
        """Return the files that hold prices of ``symbol``."""
        return self.files.get(symbol, self.file)


@value
class LatencySettings:
    """``latency_ms``: simulated delays of requests, responses and stream events."""

    decision: timedelta = timedelta(0)
    ack: timedelta = timedelta(0)
    stream: timedelta = timedelta(0)
    #: Upper bound of a random delay added to each.
    jitter: timedelta = timedelta(0)


@value
class FeeTierSettings:
    """One of ``fee_tiers``: rates from a 30-day volume in dollars on."""

    volume: Decimal
    maker: Decimal
    taker: Decimal


@value
class PaperSettings:
    """``extra_config_json.oms.paper``: settings of the paper exchange of an account."""

    source: str = "walk"
    #: Price source per symbol; overrides ``source``.
    sources: Mapping[str, str] = field(default_factory=dict)
    replay: ReplaySettings = field(default_factory=ReplaySettings)
    #: Seed of random walks and random outcomes; ``None``: the account id.
    seed: int | None = None
    #: When random walks begin: two with one seed have the same prices at the same age.
    walk_start: datetime | None = None
    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(100_000)})
    #: Maker and taker rate that replace those of the profile, as fractions (0.001 = 0.1 %).
    maker: Decimal | None = None
    taker: Decimal | None = None
    #: By ``spot`` and ``linear``, ascending by volume.
    fee_tiers: Mapping[str, tuple[FeeTierSettings, ...]] = field(default_factory=dict)
    #: Whether a spot buy pays its fee in base, as on most exchanges.
    base_fee_on_buy: bool = True
    allow_spot_short: bool = False
    leverage: int = 10
    #: ``cross`` or ``isolated``.
    margin_mode: str = "cross"
    #: Two legs per contract; ``None``: two in hedge accounts, one in netting accounts.
    hedge: bool | None = None
    funding_rate: Decimal = Decimal("0.0001")
    #: Distance of bid and ask around a price given without both, in basis points.
    spread_bps: Decimal = Decimal(0)
    #: How far a market order moves a price given without depth, as a fraction.
    slippage: Decimal = Decimal(0)
    #: How far an order of twice the visible depth moves the price, as a fraction.
    impact: Decimal = Decimal("0.001")
    #: ``queue``, ``through`` or ``touch``: fill model of resting orders.
    fill: str = "queue"
    #: Cancels ahead of a resting order advance it in the queue.
    queue_prorata: bool = False
    #: Share of the first of two executions that each execution is split into; 0: no split.
    partial_fill: Decimal = Decimal(0)
    #: Share of orders that are rejected at random.
    reject_rate: Decimal = Decimal(0)
    #: Share of the volume of a candle that may be executed, in percent; 0: all.
    volume_cap_pct: Decimal = Decimal(0)
    #: Prices older than this fill nothing; ``None``: prices do not age.
    max_price_age: timedelta | None = None
    latency: LatencySettings | None = None
    #: Tickers of US stocks that the account trades beside the instruments of its venue.
    stocks: tuple[str, ...] = ()

    def source_of(self, symbol: str) -> str:
        """Return the price source of a symbol."""
        return self.sources.get(symbol, self.source)

    def uses(self, source: str) -> bool:
        """Return whether any symbol has its prices from ``source``."""
        return source == self.source or source in self.sources.values()


@value
class Account:
    """An account with the settings that trading needs."""

    id: int
    #: ``<engine>.<venue>``, for example ``paper.binance``.
    exchange_id: str
    label: str
    position_mode: PositionMode
    environment: Environment
    #: ``active`` or ``blocked``; a blocked account may only reduce positions.
    status: str = "active"
    allow_new_positions: bool = True
    #: Strategies that may not open or increase positions on the account.
    closed_strategies: frozenset[int] = frozenset()
    paper: PaperSettings = field(default_factory=PaperSettings)
    #: Unclassified ccxt methods that are allowed on the account.
    ccxt_allow: frozenset[str] = frozenset()
    #: Whether the account may call hosts that are not known as hosts of its environment.
    has_own_hosts: bool = False
    #: Whether live trading is enabled, both for the gateway and for the account.
    live_enabled: bool = False
    #: Discrepancy class that restricts the account to reducing; ``None``: not quarantined.
    quarantine: str | None = None
    #: Intervals of the scheduled reconciliation.
    reconcile_intervals: ReconcileIntervals = field(default_factory=ReconcileIntervals)
    #: Who decides on a discrepancy, by class, where the owner has configured it (``oms.policies``).
    policies: Mapping[str, str] = field(default_factory=dict)
    #: Whether corrections of unknown history reproduce the exchange's average; else at the mid.
    opens_at_average: bool = True
    #: How the stop levels of positions are watched.
    stops: StopSettings = field(default_factory=StopSettings)
    #: Complete configuration set by the owner, as JSON text.
    extra_config: str = "{}"

    @property
    def engine(self) -> Engine:
        """Return the part of ``exchange_id`` before the dot."""
        return _engine_of(self.exchange_id)

    @property
    def venue(self) -> str:
        """Return the part of ``exchange_id`` after the dot."""
        return self.exchange_id.partition(".")[2]

    @property
    def counts_as_live(self) -> bool:
        """Return whether trading needs the switches of live trading.

        Hosts that are not known as test hosts count as hosts of production.
        """
        if self.environment is Environment.LIVE:
            return True
        is_confined = self.environment in (Environment.PAPER, Environment.LOOPBACK)
        return self.has_own_hosts and not is_confined


@lru_cache  # called for every order, with few distinct values
def _engine_of(exchange_id: str) -> Engine:
    return Engine(exchange_id.partition(".")[0])
