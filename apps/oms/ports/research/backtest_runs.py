"""Stored backtests: what was requested, how far it is, and its result.

The API stores requests and reads results. The runner that holds the lease of the task executes
them: whatever it writes is written under its token, and the result of a run is stored once, in one
transaction, with its event. A run whose runner ended is executed again from its start.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from oms.domain.event import Event
from oms.domain.value import value
from oms.ports.runner.task_leases import TaskLease

BACKTESTS_TASK = "backtests"

Row = Mapping[str, object]
"""A row by the names of its columns: decimals, times, whole numbers and text."""


class BacktestKind(StrEnum):
    """What is executed."""

    RUN = "run"
    #: Many combinations of parameters.
    SWEEP = "sweep"


class BacktestStatus(StrEnum):
    """How far a backtest is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def has_ended(self) -> bool:
        """Whether it is not executed any more."""
        return self in (BacktestStatus.DONE, BacktestStatus.FAILED, BacktestStatus.CANCELED)


@value
class BacktestOrder:
    """What is to be executed, and who requested it.

    ``request`` has all inputs as JSON: parameters, settings, and the grid of a sweep.
    """

    kind: BacktestKind
    user_id: int
    created_by: str
    created_at: datetime
    strategy: str
    version: str
    exchange: str
    symbol: str
    timeframe: str
    start: datetime | None
    end: datetime | None
    params_hash: str
    request: Mapping[str, object]


@value
class StoredBacktest:
    """A stored backtest; ``result`` has its figures as JSON once it is done."""

    id: int
    order: BacktestOrder
    status: BacktestStatus
    is_cancel_requested: bool = False
    #: Executions that began; a runner that was killed leaves more than one.
    attempts: int = 0
    #: Candles, or runs of a sweep, that are processed; ``total`` 0 is unknown.
    done: int = 0
    total: int = 0
    started_at: datetime | None = None
    #: The last sign of the process that executes it.
    progress_at: datetime | None = None
    ended_at: datetime | None = None
    data_hash: str | None = None
    result: Mapping[str, object] | None = None
    error: str | None = None


@value
class BacktestProgress:
    """How far the execution of a backtest is."""

    done: int
    total: int


@value
class BacktestOutcome:
    """The result of an execution. ``figures`` are the numbers that runs are ranked by."""

    result: Mapping[str, object]
    figures: Mapping[str, float]
    data_hash: str
    trades: Sequence[Row] = ()
    round_trips: Sequence[Row] = ()
    points: Sequence[Row] = ()
    combinations: Sequence[Mapping[str, object]] = ()


@value
class BacktestFailure:
    """Why an execution has no result."""

    message: str


BacktestMessage = BacktestProgress | BacktestOutcome | BacktestFailure
"""What an execution reports; the last one is an outcome or a failure."""

BacktestMessages = AsyncGenerator[BacktestMessage, None]
"""What an execution reports while it runs; closing it ends the execution."""


@value
class RankKey:
    """Where a page ended: the figure of its last run, ``None`` without one, and its id."""

    number: float | None
    run_id: int


@value
class BacktestQuery:
    """Filters, ranking and page of backtests; without ``figure`` the newest are first."""

    #: Only those of one user.
    user_id: int | None = None
    kind: BacktestKind | None = None
    status: BacktestStatus | None = None
    strategy: str | None = None
    exchange: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    figure: str | None = None
    is_ascending: bool = False
    after: RankKey | None = None
    limit: int = 100


@value
class BacktestPage:
    """A page of backtests; ``next`` is where the following one begins."""

    items: Sequence[StoredBacktest]
    next: RankKey | None


class BacktestStore(Protocol):
    """Backtests as the API reads and writes them; every method raises ``Unavailable``."""

    async def add(self, order: BacktestOrder) -> StoredBacktest:
        """Queue a backtest under a new id."""
        ...

    async def find(self, run_id: int) -> StoredBacktest | None:
        """Return a backtest."""
        ...

    async def page(self, query: BacktestQuery) -> BacktestPage:
        """Return a page of backtests."""
        ...

    async def waiting(self, user_id: int) -> int:
        """Return how many backtests of a user are queued or running."""
        ...

    async def active(self) -> Sequence[StoredBacktest]:
        """Return those that are queued or running, by id."""
        ...

    async def trades(self, run_id: int, after: int, limit: int) -> Sequence[Row]:
        """Return executions of a run after a number, ascending."""
        ...

    async def round_trips(self, run_id: int, after: int, limit: int) -> Sequence[Row]:
        """Return round trips of a run after a number, ascending."""
        ...

    async def points(self, run_id: int) -> Sequence[Row]:
        """Return the stored points of the equity curve, ascending."""
        ...

    async def combinations(self, run_id: int) -> Sequence[Mapping[str, object]]:
        """Return the rows of a sweep, the best first."""
        ...

    async def cancel(self, run_id: int, at: datetime) -> StoredBacktest | None:
        """Cancel what is queued, and request it of what is running; ``None`` if there is none.

        What has ended stays as it is.
        """
        ...

    async def remove(self, run_id: int) -> bool:
        """Delete a backtest that has ended with its rows; returns whether there was one."""
        ...


class BacktestQueue(Protocol):
    """Backtests as the runner executes them.

    Every method raises ``Unavailable``, and ``LeaseLost`` before anything is written.
    """

    async def running(self) -> Sequence[StoredBacktest]:
        """Return what is running, by id."""
        ...

    async def requeue(self, lease: TaskLease, run_ids: Sequence[int]) -> None:
        """Queue again what a runner that ended left running."""
        ...

    async def claim(self, lease: TaskLease, at: datetime) -> StoredBacktest | None:
        """Return the oldest queued backtest, which is running from now on."""
        ...

    async def record_progress(
        self, lease: TaskLease, run_id: int, progress: BacktestProgress, at: datetime
    ) -> None:
        """Store how far a running backtest is."""
        ...

    async def finish(
        self,
        lease: TaskLease,
        run_id: int,
        outcome: BacktestOutcome,
        event: Event,
        at: datetime,
    ) -> None:
        """Store the result of a running backtest and its event, once."""
        ...

    async def end(
        self,
        lease: TaskLease,
        run_id: int,
        status: BacktestStatus,
        error: str | None,
        event: Event,
        at: datetime,
    ) -> None:
        """End a running backtest without a result, and store its event, once."""
        ...


class BacktestExecutor(Protocol):
    """Executes a backtest outside of the process that calls it."""

    def __call__(self, run: StoredBacktest, processes: int) -> BacktestMessages:
        """Yield what the execution reports; closing the iterator ends it.

        A sweep may use ``processes``. An execution that ends without a result yields a failure.
        """
        ...
