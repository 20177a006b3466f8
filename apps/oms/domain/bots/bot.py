"""A bot: a strategy on closed candles, whose decisions become signals of one account.

Callers write what they want of it, as a numbered desired state; the runner that holds the bot's
lease writes what it does, with the number that it has acted on. What is shown follows from both::

    idle      never started
    starting  wanted to run, and no runner has reported it yet
    running   decides at each closed candle
    stopping  wanted to stop, and a runner holds its lease or has to close its positions first
    stopped   decides nothing
    error     failed; it starts again a few times, with pauses between
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from oms.domain.market.timeframe import Timeframe
from oms.domain.signals.signal import Sizing
from oms.domain.value import value

SYMBOLS_MAX = 50
"""Symbols of one bot."""
BOTS_MAX = 500
"""Bots of one installation."""
RESTARTS_MAX = 3
"""How often a bot that failed starts again by itself."""
HEARTBEAT_AGE_MAX = timedelta(seconds=15)
"""A bot whose last sign of life is older is not known to run."""

Number = int | Decimal


class BotMode(StrEnum):
    """What becomes of decisions."""

    TRADE = "trade"
    #: Decisions are recorded, and no signal is sent.
    OBSERVE = "observe"


class BotStatus(StrEnum):
    """What a bot does."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ERROR = "error"


_AT_REST = (BotStatus.IDLE, BotStatus.STOPPED)


class DecisionResult(StrEnum):
    """What became of a decision of a strategy."""

    #: Its signal is queued.
    SENT = "sent"
    #: The bot only observes.
    OBSERVED = "observed"
    #: An entry that was decided too late after the close of its candle.
    SKIPPED_LATE = "skipped_late"
    #: The signal was executed, or ended as its status says.
    DONE = "done"
    BLOCKED = "blocked"
    IGNORED = "ignored"
    FAILED = "failed"


@value
class BotTerms:
    """What a bot trades and how; changed only while it is stopped."""

    name: str
    strategy: str
    version: str
    #: All parameters of the strategy.
    parameters: Mapping[str, Number]
    #: SHA-256 of their canonical JSON.
    params_hash: str
    account_id: int
    #: Whose positions it trades: the strategy of its orders.
    strategy_id: int
    #: Whose candles it reads.
    exchange: str
    symbols: tuple[str, ...]
    timeframe: Timeframe
    #: Size of entries; one that is sized by its risk is no larger.
    sizing: Sizing
    mode: BotMode = BotMode.TRADE
    allow_short: bool = False
    #: Entries decided later than this after the close of their candle are skipped.
    max_lag_seconds: int
    #: Levels of positions, in percent of their entry price; a level of a decision replaces it.
    stop_loss_pct: Decimal | None = None
    take_profit_pct: Decimal | None = None
    stop_trailing_pct: Decimal | None = None


@value
class DesiredRun:
    """What callers want of a bot; the number grows with each change of it."""

    number: int = 0
    is_running: bool = False
    #: Whether its positions are closed before it is stopped.
    closes_positions: bool = False
    at: datetime | None = None


@value
class BotReport:
    """What the runner has reported, under the lease of the bot."""

    #: Of the desired state that it has acted on.
    desired_number: int = 0
    status: BotStatus = BotStatus.IDLE
    reason: str | None = None
    heartbeat_at: datetime | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    #: Failures since it was started.
    failures: int = 0
    #: By symbol, the open time of the last candle that was decided on.
    decided: Mapping[str, datetime] = field(default_factory=dict)


@value
class Bot:
    """A bot with what is wanted and what was reported."""

    id: int
    terms: BotTerms
    desired: DesiredRun = DesiredRun()
    report: BotReport = BotReport()
    created_at: datetime
    created_by: str
    updated_at: datetime
    #: Whether a runner holds its lease, by the clock of the database.
    is_leased: bool = False
    #: Since the last heartbeat, by the clock of the database; ``None`` before the first.
    heartbeat_age: timedelta | None = None
    #: Since another state was desired, by the same clock.
    desired_age: timedelta | None = None

    @property
    def status(self) -> BotStatus:
        """What is shown: the report, or that no runner has acted on the desired state.

        A stop that leaves its positions open needs no runner: without one nothing runs the bot.
        """
        if self.is_reported:
            return self.report.status
        if self.desired.is_running:
            return BotStatus.STARTING
        if self.closes_before_stop or self.is_leased:
            return BotStatus.STOPPING
        return BotStatus.STOPPED

    @property
    def closes_before_stop(self) -> bool:
        """Whether positions have to be closed before it is stopped."""
        return self.desired.closes_positions and self.terms.mode is BotMode.TRADE

    @property
    def has_failed(self) -> bool:
        """Whether it has failed too often to start again by itself."""
        is_error = self.report.status is BotStatus.ERROR
        return self.is_reported and is_error and self.report.failures > RESTARTS_MAX

    @property
    def is_reported(self) -> bool:
        """Whether the runner has acted on the desired state."""
        return self.desired.number == self.report.desired_number

    @property
    def needs_runner(self) -> bool:
        """Whether there is something for a runner to do."""
        return not self.is_reported or (self.desired.is_running and not self.has_failed)

    @property
    def is_at_rest(self) -> bool:
        """Whether it is stopped, and may be changed."""
        return self.status in _AT_REST

    @property
    def is_stale(self) -> bool:
        """Whether no runner is known to do what the status says."""
        if not self.needs_runner or self.is_at_rest:
            return False
        # A runner takes the lease within a second or two.
        is_new = self.desired_age is not None and self.desired_age <= HEARTBEAT_AGE_MAX
        if is_new and not self.is_reported:
            return False
        age = self.heartbeat_age
        return not self.is_leased or age is None or age > HEARTBEAT_AGE_MAX


def task_of_bot(bot_id: int) -> str:
    """Return the name of the lease of a bot."""
    return f"bot:{bot_id}"


def overlaps(first: BotTerms, second: BotTerms) -> bool:
    """Return whether two bots would trade the same positions."""
    if BotMode.OBSERVE in (first.mode, second.mode):
        return False
    owners = (first.account_id, first.strategy_id), (second.account_id, second.strategy_id)
    return owners[0] == owners[1] and not set(first.symbols).isdisjoint(second.symbols)
