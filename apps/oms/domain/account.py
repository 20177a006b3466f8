"""Accounts: one set of exchange credentials and its settings."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals
from oms.domain.value import value


class PositionMode(StrEnum):
    """How deals become positions: tickets, one per symbol, or one per symbol and strategy."""

    HEDGE = "hedge"
    NETTING = "netting"
    STRATEGY_NETTING = "strategy_netting"


class Engine(StrEnum):
    """Who carries orders to the exchange."""

    PAPER = "paper"
    CCXT = "ccxt"
    CCXTPRO = "ccxtpro"


class Environment(StrEnum):
    """Whether money is real."""

    PAPER = "paper"
    TESTNET = "testnet"
    DEMO = "demo"
    LOOPBACK = "loopback"
    LIVE = "live"


@value
class ReplaySettings:
    """``replay`` of the paper settings: which tapes are played, and how."""

    #: Files in the folder of tapes, merged by time, for symbols without files of their own.
    file: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Tape time per wall time; 0 shows one price a look.
    speed: Decimal = Decimal(1)
    loop: bool = False
    #: Wall time of the tape's beginning; ``None`` is the first look.
    start: datetime | None = None

    def files_of(self, symbol: str) -> tuple[str, ...]:
        """The files that show ``symbol``."""
        return self.files.get(symbol, self.file)


@value
class LatencySettings:
    """``latency_ms``: how long requests, answers and news of the stream are under way."""

    decision: timedelta = timedelta(0)
    ack: timedelta = timedelta(0)
    stream: timedelta = timedelta(0)
    #: Each takes up to this much more.
    jitter: timedelta = timedelta(0)


@value
class FeeTierSettings:
    """One of ``fee_tiers``: rates from a volume of the last 30 days on, in dollars."""

    volume: Decimal
    maker: Decimal
    taker: Decimal


@value
class PaperSettings:
    """``extra_config_json.oms.paper``: how the paper exchange of an account behaves."""

    source: str = "walk"
    #: Price source per symbol, over ``source``.
    sources: Mapping[str, str] = field(default_factory=dict)
    replay: ReplaySettings = field(default_factory=ReplaySettings)
    #: Of walks and chances; ``None`` is the account's id.
    seed: int | None = None
    balances: Mapping[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(100_000)})
    #: Maker and taker rate that replace the profile's, as fractions (0.001 = 0.1 %).
    maker: Decimal | None = None
    taker: Decimal | None = None
    #: By ``spot`` and ``linear``, the lowest volume first.
    fee_tiers: Mapping[str, tuple[FeeTierSettings, ...]] = field(default_factory=dict)
    #: Whether a spot buy pays its fee in base, as most exchanges do.
    base_fee_on_buy: bool = True
    allow_spot_short: bool = False
    leverage: int = 10
    #: ``cross`` or ``isolated``.
    margin_mode: str = "cross"
    #: Two legs per contract; ``None``: as hedge accounts have, and netting ones do not.
    hedge: bool | None = None
    funding_rate: Decimal = Decimal("0.0001")
    #: Distance of bid and ask around a price told alone, in hundredths of a percent.
    spread_bps: Decimal = Decimal(0)
    #: How far a market order moves a price told without depth, as a fraction.
    slippage: Decimal = Decimal(0)
    #: How far one that takes as much again as is shown moves the price, as a fraction.
    impact: Decimal = Decimal("0.001")
    #: ``queue``, ``through`` or ``touch``: when a resting order is executed.
    fill: str = "queue"
    #: Cancels ahead of a resting order bring it forward.
    queue_prorata: bool = False
    #: Share of the first of two executions that each is split into; 0 is off.
    partial_fill: Decimal = Decimal(0)
    #: Share of orders rejected by chance.
    reject_rate: Decimal = Decimal(0)
    #: Share of a candle's volume that may be executed, in percent; 0 is all.
    volume_cap_pct: Decimal = Decimal(0)
    #: Older prices fill nothing; ``None``: prices do not age.
    max_price_age: timedelta | None = None
    latency: LatencySettings | None = None

    def uses(self, source: str) -> bool:
        """Whether any symbol has its prices from there."""
        return source == self.source or source in self.sources.values()


@value
class Account:
    """An account as trading sees it."""

    id: int
    #: ``<engine>.<venue>``, as ``paper.binance``.
    exchange_id: str
    label: str
    position_mode: PositionMode
    environment: Environment
    #: ``active`` or ``blocked``; a blocked account may only reduce.
    status: str = "active"
    allow_new_positions: bool = True
    #: Strategies that may not open or enlarge positions here.
    closed_strategies: frozenset[int] = frozenset()
    paper: PaperSettings = field(default_factory=PaperSettings)
    #: ccxt methods of no class that may be called on this account all the same.
    ccxt_allow: frozenset[str] = frozenset()
    #: Both switches before live trading are on, the gateway's and the account's.
    live_enabled: bool = False
    #: Class of the discrepancy for which the account may only reduce; ``None``: none does.
    quarantine: str | None = None
    #: When it is swept by itself.
    reconcile_intervals: ReconcileIntervals = field(default_factory=ReconcileIntervals)
    #: Who decides on a discrepancy, by its class, where the owner says it (``oms.policies``).
    policies: Mapping[str, str] = field(default_factory=dict)
    #: All that its owner set, as JSON text.
    extra_config: str = "{}"

    @property
    def engine(self) -> Engine:
        """The part of ``exchange_id`` before the dot."""
        return _engine_of(self.exchange_id)

    @property
    def venue(self) -> str:
        """The part of ``exchange_id`` after the dot."""
        return self.exchange_id.partition(".")[2]


@lru_cache  # asked of the same few accounts with every order
def _engine_of(exchange_id: str) -> Engine:
    return Engine(exchange_id.partition(".")[0])
