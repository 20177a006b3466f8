"""Health, version and metrics of the gateway in responses."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.wire.responses.value_types import Count, Id, TimeText, one_of

CheckText = Annotated[str, one_of("ok", "failed")]
CalendarText = Annotated[str, one_of("ok", "ends_soon", "missing")]
CountByEngine = dict[str, Count]
CountByWorker = dict[str, dict[str, Count]]


class Health(TypedDict):
    """Whether the database answers."""

    status: Annotated[str, one_of("ok", "degraded")]
    app: str
    env: str
    db_engine: str


class Liveness(TypedDict):
    """The process runs."""

    status: Annotated[str, one_of("ok")]


class ReadyChecks(TypedDict):
    """What a command needs to be executed."""

    database: CheckText
    migrations: CheckText
    workers: CheckText
    queue: CheckText
    outbox: CheckText


class Ready(TypedDict):
    """Whether a command sent now would be executed."""

    status: Annotated[str, one_of("ready", "not_ready")]
    checks: ReadyChecks


class Version(TypedDict):
    """Versions of the software and of the database schema."""

    name: str
    version: str
    commit: str | None
    schema_version: str | None
    ccxt_version: str
    python_version: str


class Percentiles(TypedDict):
    """Percentiles of durations; null without samples."""

    p50: float | None
    p95: float | None
    p99: float | None


class OperationTiming(TypedDict):
    """Durations of one type of command."""

    count: Count
    total_ms: float
    avg_ms: float
    max_ms: float
    p95_ms: float | None
    p99_ms: float | None


class LiveWorker(TypedDict):
    """A worker and how many accounts it has."""

    worker_id: str
    host: str
    heartbeat_age_s: float
    accounts: Count
    stop_watch_age_s: Annotated[
        float | None,
        Field(description="Since stop levels were compared with prices; null: there are none."),
    ]
    calendar: Annotated[
        CalendarText | None,
        Field(description="The trading calendar; null: no account of it trades stocks."),
    ]
    loop_restarts: Annotated[
        dict[str, Count],
        Field(description="Rounds that failed since the start, by loop; loops without are absent."),
    ]


class RequestMetricsRow(TypedDict):
    """What this process has served."""

    started_at: float
    total_requests: Count
    total_errors: Count
    op_counts: CountByEngine
    timing_samples_count: Count
    queue_wait_ms: Percentiles
    execute_ms: Percentiles
    op_timing_ms: dict[str, OperationTiming]


class WorkerMetricsRow(TypedDict):
    """Workers and their accounts."""

    pool_size_by_engine: CountByEngine
    accounts_mapped: Count
    worker_inflight: CountByWorker
    worker_active_accounts: CountByWorker
    worker_queue_depth: CountByWorker
    workers: list[LiveWorker]


class CacheMetricsRow(TypedDict):
    """Caches of keys and permissions."""

    auth_cache_ttl_seconds: float
    auth_cache_size: Count
    auth_cache_hits: Count
    auth_cache_misses: Count
    auth_cache_invalidations: Count
    permission_cache_ttl_seconds: float
    permission_cache_account_size: Count
    permission_cache_strategy_size: Count
    permission_cache_account_hits: Count
    permission_cache_account_misses: Count
    permission_cache_strategy_hits: Count
    permission_cache_strategy_misses: Count
    permission_cache_invalidations: Count
    oms_query_cache_ttl_seconds: float
    oms_query_cache_size: Count
    oms_query_cache_hits: Count
    oms_query_cache_misses: Count
    oms_query_cache_invalidations: Count


class Dispatcher(RequestMetricsRow, WorkerMetricsRow, CacheMetricsRow):
    """Live workers, their queues, and what this process has served."""

    read_pool_size: Count
    read_worker_inflight: CountByEngine
    read_worker_queue_depth: CountByEngine
    control_queue_depth: Count
    ccxt_session_count_total: Count
    ccxt_session_count_by_engine: CountByEngine
    ccxt_session_account_ids: list[Id]
    ccxt_session_ttl_seconds: float | None
    ccxt_session_oldest_age_seconds: float | None
    outbox_lag_ms: float
    orders_unknown: Count
    orders_unknown_age_seconds_max: float


class DispatcherStatus(TypedDict):
    """``GET /dispatcher/status``."""

    ok: bool
    result: Dispatcher


class MetricPoint(TypedDict):
    """Counts since the point before, and the worst figure since then; null if not known."""

    ts: TimeText
    requests: Count
    errors: Count
    commands: Count
    connections: Count
    outbox_lag_ms: float
    database_ms: float | None
    queue_depth: Count | None
    workers: Count | None


class MetricSeriesBody(TypedDict):
    """``GET /admin/metrics``."""

    range: str
    sample_seconds: Count
    points: list[MetricPoint]


class CacheCleared(TypedDict):
    """Which cached keys and permissions were dropped."""

    scope: Annotated[str, one_of("all", "visible_accounts")]
    cleared_before: Count
    account_count: Count | None


class CacheClearedResult(TypedDict):
    """``POST /oms/cache/clear``."""

    ok: bool
    result: CacheCleared
