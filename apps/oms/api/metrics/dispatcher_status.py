"""The metrics of ``/dispatcher/status`` and ``/metrics``, collected from their sources."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from oms.api.context import ApiContext
from oms.domain.errors import Unavailable
from oms.ports.leases import WORKER_ALIVE_SECONDS, Leases, WorkerRow
from oms.wire.responses.deadman_rows import ExchangeTimerRow
from oms.wire.responses.gateway_status import CacheMetricsRow, Dispatcher, WorkerMetricsRow

ENGINE = "paper"
"""The engine under which all workers are reported."""


async def build_dispatcher_status(
    context: ApiContext, readable: Collection[int] | None
) -> Dispatcher:
    """Return all metrics; those per account only of ``readable`` accounts (``None``: of all).

    Raises ``Unavailable`` if the database does not answer, with code ``engine_unavailable`` if no
    worker is alive.
    """
    workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
    if not workers:
        raise Unavailable("no worker is alive", code="engine_unavailable")
    owners = {
        account_id: owner
        for account_id, owner in (await context.leases.owners()).items()
        if readable is None or account_id in readable
    }
    depths = {
        account_id: depth
        for account_id, depth in (await context.queue_depths.by_account()).items()
        if readable is None or account_id in readable
    }
    counts = await context.metrics_query()
    lag = 0.0 if context.websocket is None else context.websocket.lag_seconds()
    return {
        **context.request_metrics.snapshot(),
        **_worker_metrics(workers, owners, depths),
        "read_pool_size": 1,
        "read_worker_inflight": {},
        "read_worker_queue_depth": {},
        "control_queue_depth": counts.control_queue_depth,
        "ccxt_session_count_total": 0,
        "ccxt_session_count_by_engine": {},
        "ccxt_session_account_ids": [],
        "ccxt_session_ttl_seconds": None,
        "ccxt_session_oldest_age_seconds": None,
        **_cache_metrics(context),
        "outbox_lag_ms": round(lag * 1000, 3),
        "orders_unknown": counts.orders_unknown,
        "orders_unknown_age_seconds_max": 0.0
        if counts.orders_unknown_since is None
        else round((context.clock.now() - counts.orders_unknown_since).total_seconds(), 3),
    }


def _worker_metrics(
    workers: Sequence[WorkerRow], owners: Mapping[int, str], depths: Mapping[int, int]
) -> WorkerMetricsRow:
    account_counts = Counter(owners.values())
    queued: Counter[str] = Counter()
    for account_id, depth in depths.items():
        queued[owners.get(account_id, "")] += depth
    statuses = {worker.worker_id: read_status(worker) for worker in workers}
    names = [worker.worker_id for worker in workers]
    return {
        "pool_size_by_engine": {ENGINE: len(workers)},
        "accounts_mapped": len(owners),
        "worker_inflight": {ENGINE: {name: statuses[name].get("in_hand", 0) for name in names}},
        "worker_active_accounts": {ENGINE: {name: account_counts.get(name, 0) for name in names}},
        "worker_queue_depth": {ENGINE: {name: queued.get(name, 0) for name in names}},
        "workers": [
            {
                "worker_id": worker.worker_id,
                "host": worker.host,
                "heartbeat_age_s": round(worker.heartbeat_age_seconds, 3),
                "accounts": account_counts.get(worker.worker_id, 0),
                "stop_watch_age_s": stop_watch_age(worker, statuses[worker.worker_id]),
                "calendar": statuses[worker.worker_id].get("calendar"),
                "loop_restarts": statuses[worker.worker_id].get("loop_restarts", {}),
            }
            for worker in workers
        ],
    }


def stop_watch_age(worker: WorkerRow, status: Mapping[str, Any]) -> float | None:
    """Return the age that the heartbeat carries, with that of the heartbeat."""
    age = status.get("stop_watch_age_s")
    return None if age is None else round(max(age, 0.0) + worker.heartbeat_age_seconds, 3)


async def read_exchange_timers(leases: Leases) -> Mapping[int, ExchangeTimerRow]:
    """Return the timers at exchanges by account, as the workers report them.

    Raises ``Unavailable``.
    """
    workers = await leases.workers(WORKER_ALIVE_SECONDS)
    rows = [row for worker in workers for row in read_status(worker).get("exchange_timers", ())]
    return {row["account_id"]: row for row in rows}


def read_status(worker: WorkerRow) -> Mapping[str, Any]:
    """Return the status that the heartbeat carries."""
    status: object = json.loads(worker.status)
    return status if isinstance(status, dict) else {}


def _cache_metrics(context: ApiContext) -> CacheMetricsRow:
    """Return the metrics of the one cache, of keys and permissions; rows are not cached."""
    cache = context.authenticate
    return {
        "auth_cache_ttl_seconds": cache.cache_seconds,
        "auth_cache_size": cache.size,
        "auth_cache_hits": cache.hits,
        "auth_cache_misses": cache.misses,
        "auth_cache_invalidations": cache.invalidations,
        "permission_cache_ttl_seconds": cache.cache_seconds,
        "permission_cache_account_size": cache.size,
        "permission_cache_strategy_size": cache.size,
        "permission_cache_account_hits": cache.hits,
        "permission_cache_account_misses": cache.misses,
        "permission_cache_strategy_hits": cache.hits,
        "permission_cache_strategy_misses": cache.misses,
        "permission_cache_invalidations": cache.invalidations,
        "oms_query_cache_ttl_seconds": 0,
        "oms_query_cache_size": 0,
        "oms_query_cache_hits": 0,
        "oms_query_cache_misses": 0,
        "oms_query_cache_invalidations": 0,
    }
