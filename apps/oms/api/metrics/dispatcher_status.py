"""The figures of ``/dispatcher/status`` and ``/metrics``, put together from who knows them."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from oms.api.context import ApiContext
from oms.domain.errors import Unavailable
from oms.ports.leases import WorkerRow

WORKER_ALIVE_SECONDS = 15.0
ENGINE = "paper"
"""The one engine that this version's workers have."""

DispatcherStatus = dict[str, Any]


async def build_dispatcher_status(
    context: ApiContext, readable: Collection[int] | None
) -> DispatcherStatus:
    """All figures; those by account are of ``readable`` accounts (``None``: of all).

    Raises ``Unavailable``: without a database, or (``engine_unavailable``) without a worker.
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
        for account_id, depth in (await context.depths.by_account()).items()
        if readable is None or account_id in readable
    }
    counted = await context.figures()
    lag = 0.0 if context.sockets is None else context.sockets.lag_seconds()
    return {
        **context.request_metrics.told(),
        **_of_workers(workers, owners, depths),
        "read_pool_size": 1,
        "read_worker_inflight": {},
        "read_worker_queue_depth": {},
        "control_queue_depth": counted.control_queue_depth,
        "ccxt_session_count_total": 0,
        "ccxt_session_count_by_engine": {},
        "ccxt_session_account_ids": [],
        "ccxt_session_ttl_seconds": None,
        "ccxt_session_oldest_age_seconds": None,
        **_of_caches(context),
        "outbox_lag_ms": round(lag * 1000, 3),
        "orders_unknown": counted.orders_unknown,
        "orders_unknown_age_seconds_max": 0.0
        if counted.orders_unknown_since is None
        else round((context.clock.now() - counted.orders_unknown_since).total_seconds(), 3),
    }


def _of_workers(
    workers: Sequence[WorkerRow], owners: Mapping[int, str], depths: Mapping[int, int]
) -> DispatcherStatus:
    held = Counter(owners.values())
    waiting: Counter[str] = Counter()
    for account_id, depth in depths.items():
        waiting[owners.get(account_id, "")] += depth
    told = {worker.worker_id: _told(worker) for worker in workers}
    names = [worker.worker_id for worker in workers]
    return {
        "pool_size_by_engine": {ENGINE: len(workers)},
        "accounts_mapped": len(owners),
        "worker_inflight": {ENGINE: {name: told[name].get("in_hand", 0) for name in names}},
        "worker_active_accounts": {ENGINE: {name: held.get(name, 0) for name in names}},
        "worker_queue_depth": {ENGINE: {name: waiting.get(name, 0) for name in names}},
        "workers": [
            {
                "worker_id": worker.worker_id,
                "host": worker.host,
                "heartbeat_age_s": round(worker.heartbeat_age_seconds, 3),
                "accounts": held.get(worker.worker_id, 0),
            }
            for worker in workers
        ],
    }


def _told(worker: WorkerRow) -> Mapping[str, Any]:
    told: object = json.loads(worker.status)
    return told if isinstance(told, dict) else {}


def _of_caches(context: ApiContext) -> DispatcherStatus:
    """One memory holds who a key is and what it may; rows are never kept."""
    known = context.authenticate
    return {
        "auth_cache_ttl_seconds": known.cache_seconds,
        "auth_cache_size": known.size,
        "auth_cache_hits": known.hits,
        "auth_cache_misses": known.misses,
        "auth_cache_invalidations": known.invalidations,
        "permission_cache_ttl_seconds": known.cache_seconds,
        "permission_cache_account_size": known.size,
        "permission_cache_strategy_size": known.size,
        "permission_cache_account_hits": known.hits,
        "permission_cache_account_misses": known.misses,
        "permission_cache_strategy_hits": known.hits,
        "permission_cache_strategy_misses": known.misses,
        "permission_cache_invalidations": known.invalidations,
        "oms_query_cache_ttl_seconds": 0,
        "oms_query_cache_size": 0,
        "oms_query_cache_hits": 0,
        "oms_query_cache_misses": 0,
        "oms_query_cache_invalidations": 0,
    }
