"""The health of the gateway for its clients: what it may do, and each part as it was measured."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from oms.api.context import ApiContext
from oms.api.metrics.bot_report import bots_part, without_bots
from oms.api.metrics.candle_lag import candles_part
from oms.api.metrics.connection_health import prices_part, queue_age_part, streams_part
from oms.api.metrics.dispatcher_status import read_status, stop_watch_age
from oms.api.metrics.task_report import slowest_progress, task_row
from oms.domain.account import Environment
from oms.domain.errors import OmsError, Unavailable
from oms.domain.notifications.sink import Sink, SinkStatus
from oms.domain.risk.kill_switch import KillScope
from oms.ports.leases import WORKER_ALIVE_SECONDS, WorkerRow
from oms.ports.registry import AccountRow
from oms.ports.runner.task_leases import (
    AUDIT_MIRROR_TASK,
    TASK_SILENCE_SECONDS_MAX,
    TaskStatus,
)
from oms.wire.json import time_text
from oms.wire.responses.health_rows import HealthPart, HealthParts, HealthReport

OUTBOX_LAG_SECONDS_MAX = 10.0
HEARTBEAT_SECONDS_MAX = 10.0
STOP_WATCH_SECONDS_MAX = 15.0
SINK_WAIT_SECONDS_MAX = 300.0
MIRROR_ROWS_MAX = 1000
REPLICA_LAG_SECONDS_MAX = 60.0
_CALENDARS = ("missing", "ends_soon", "ok")
"""What a worker says of its trading calendar, the worst first."""


async def build_health_report(context: ApiContext) -> HealthReport:
    """Return the report; ``status`` is ``down`` if the database does not answer."""
    at, started = context.clock.now(), time.perf_counter()
    tasks: Sequence[TaskStatus] = ()
    try:
        await context.health.ping()
        duration_ms = round((time.perf_counter() - started) * 1000, 3)
        workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
        depths = await context.queue_depths.by_account()
        enabled: bool | None = await is_enabled(context)
        tasks = without_bots(await context.task_leases.tasks())
        bots = await context.bots.store.all()
        sinks = await context.sink_admin.store.sinks()
        ingestions = await context.ingestions.all(only_enabled=True)
        mode = broker_mode(await context.queries.registry.accounts())
        queued_since = (await context.metrics_query()).queued_since
    except Unavailable:
        unknown = _part(None, None, at, ok=False)
        parts = cast("HealthParts", dict.fromkeys(HealthParts.__annotations__, unknown))
        enabled, mode = None, None
    else:
        depth = max(depths.values(), default=0)
        parts = _parts(context, duration_ms, workers, tasks, depth, at)
        heartbeats = [read_status(worker) for worker in workers]
        parts["queue_age"] = queue_age_part(queued_since, at)
        parts["streams"] = streams_part(heartbeats, at)
        parts["price_feed"] = prices_part(
            heartbeats, context.settings.desk.price_refresh_seconds, at
        )
        parts["sinks"] = _sinks_part(sinks, at)
        parts["candles"] = candles_part(ingestions, at)
        parts["bots"] = bots_part(bots, at)
        parts["audit_mirror"] = await _mirror_part(context, tasks, at)
        parts["replica"] = await _replica_part(context, at)
    is_ok = all(cast("HealthPart", part)["ok"] for part in parts.values())
    is_down = not parts["database"]["ok"]
    return {
        "ok": is_ok,
        "service": "oms-gateway",
        "status": "ok" if is_ok else "down" if is_down else "degraded",
        "environment": context.settings.env,
        "broker_mode": mode,
        "oms_enabled": enabled,
        "live_trading_allowed": context.settings.live_trading_allowed,
        "database_url": context.settings.database_address,
        "audit_log_path": _path_text(context.settings.desk.audit_log_path),
        "parts": parts,
        "tasks": [task_row(task) for task in tasks],
    }


def _path_text(path: Path | None) -> str | None:
    return None if path is None else str(path)


async def is_enabled(context: ApiContext) -> bool:
    """Return whether no kill switch over all accounts is active. Raises ``Unavailable``."""
    switches = await context.kill_switches.all(is_on=True, limit=None)
    return all(switch.scope is not KillScope.GLOBAL for switch in switches)


def broker_mode(accounts: Iterable[AccountRow]) -> str | None:
    """Return the riskiest environment of the active accounts; ``None`` if there is none."""
    used = {row.account.environment for row in accounts if row.account.status == "active"}
    if Environment.LIVE in used:
        return "live"
    if used - {Environment.PAPER}:
        return "testnet"
    return "paper" if used else None


def _parts(
    context: ApiContext,
    duration_ms: float,
    workers: Iterable[WorkerRow],
    tasks: Sequence[TaskStatus],
    depth: int,
    at: datetime,
) -> HealthParts:
    statuses = [(worker, read_status(worker)) for worker in workers]
    heartbeat = max((worker.heartbeat_age_seconds for worker, _ in statuses), default=None)
    watched = [stop_watch_age(worker, status) for worker, status in statuses]
    calendars = {status.get("calendar") for _, status in statuses}
    calendar = next((each for each in _CALENDARS if each in calendars), None)
    lag = 0.0 if context.websocket is None else context.websocket.lag_seconds()
    stop_watch = max((age for age in watched if age is not None), default=None)
    return {
        "database": _part(duration_ms, None, at),
        "worker": _part(heartbeat, HEARTBEAT_SECONDS_MAX, at, ok=heartbeat is not None),
        "worker_loops": _part(
            sum(len(status.get("failing_loops", ())) for _, status in statuses), 1, at
        ),
        "queue": _part(depth, context.settings.commands.queue_depth_max, at),
        "queue_age": _part(None, None, at),
        "streams": _part(None, None, at),
        "price_feed": _part(None, None, at),
        "stop_watcher": _part(stop_watch, STOP_WATCH_SECONDS_MAX, at),
        "outbox": _part(lag, OUTBOX_LAG_SECONDS_MAX, at),
        "runner": _runner_part(tasks, at, is_expected=context.settings.runner.enabled),
        "sinks": _part(None, None, at),
        "candles": _part(None, None, at),
        "bots": _part(None, None, at),
        "audit_mirror": _part(None, None, at),
        "replica": _part(None, None, at),
        "calendar": {
            "ok": calendar in (None, "ok"),
            "value": calendar,
            "limit": None,
            "at": time_text(at),
        },
    }


def _sinks_part(sinks: Sequence[Sink], at: datetime) -> HealthPart:
    active = [sink for sink in sinks if sink.status is SinkStatus.ACTIVE]
    waiting = [
        (at - sink.waiting_since).total_seconds() - sink.min_interval_seconds
        for sink in active
        if sink.waiting_since is not None
    ]
    age = max((max(seconds, 0.0) for seconds in waiting), default=0.0)
    return _part(age if active else None, SINK_WAIT_SECONDS_MAX, at)


async def _mirror_part(
    context: ApiContext, tasks: Sequence[TaskStatus], at: datetime
) -> HealthPart:
    """Return how many rows of the audit log the mirror lacks. Raises ``Unavailable``."""
    if context.settings.desk.audit_log_path is None:
        return _part(None, MIRROR_ROWS_MAX, at)
    head = await context.administer.audit_log.head()
    task = next((task for task in tasks if task.task == AUDIT_MIRROR_TASK), None)
    position = 0 if task is None else task.position
    waiting = 0 if head is None else max(head.length - position, 0)
    return _part(waiting, MIRROR_ROWS_MAX, at, ok=task is not None and task.is_running)


async def _replica_part(context: ApiContext, at: datetime) -> HealthPart:
    """Return how late the replica is; it is not ok if it does not answer."""
    try:
        lag = await context.health.replica_lag_seconds()
    except OmsError:
        return _part(None, REPLICA_LAG_SECONDS_MAX, at, ok=False)
    return _part(lag, REPLICA_LAG_SECONDS_MAX, at)


def _runner_part(tasks: Sequence[TaskStatus], at: datetime, *, is_expected: bool) -> HealthPart:
    if not is_expected:
        return _part(None, TASK_SILENCE_SECONDS_MAX, at)
    is_ok = bool(tasks) and all(task.is_running for task in tasks)
    return _part(slowest_progress(tasks), TASK_SILENCE_SECONDS_MAX, at, ok=is_ok)


def _part(
    measured: float | None, limit: float | None, at: datetime, *, ok: bool = True
) -> HealthPart:
    is_within = measured is None or limit is None or measured < limit
    rounded = None if measured is None else round(measured, 3)
    return {"ok": ok and is_within, "value": rounded, "limit": limit, "at": time_text(at)}
