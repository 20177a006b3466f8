"""Takes the samples of the metric history."""

import asyncio
import time
from dataclasses import replace

from oms.api.context import ApiContext
from oms.api.metrics.metric_history import SAMPLE_SECONDS, MetricSample
from oms.domain.errors import Unavailable
from oms.ports.leases import WORKER_ALIVE_SECONDS


async def keep_sampling(context: ApiContext) -> None:
    """Take samples until cancelled, the first after an interval."""
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        await take_sample(context)


async def take_sample(context: ApiContext) -> None:
    """Take one sample; a database that does not answer leaves its figures out."""
    metrics, history = context.request_metrics, context.metric_history
    totals = (metrics.requests, metrics.errors, metrics.ops.total())
    requests, errors, commands = history.since_last(totals)
    lag = 0.0 if context.websocket is None else context.websocket.lag_seconds()
    sample = MetricSample(
        at=context.clock.now(),
        requests=requests,
        errors=errors,
        commands=commands,
        connections=metrics.connections_open,
        outbox_lag_ms=round(lag * 1000, 3),
    )
    history.add(await _with_database(context, sample))


async def _with_database(context: ApiContext, sample: MetricSample) -> MetricSample:
    try:
        started = time.perf_counter()
        await context.health.ping()
        duration_ms = round((time.perf_counter() - started) * 1000, 3)
        depths = await context.queue_depths.queue.depths()
        workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
    except Unavailable:
        return sample
    return replace(
        sample, database_ms=duration_ms, queue_depth=sum(depths.values()), workers=len(workers)
    )
