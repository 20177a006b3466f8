"""The health of the gateway for its clients: what it may do, and each part as it was measured."""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from oms.api.context import ApiContext
from oms.api.metrics.dispatcher_status import read_status, stop_watch_age
from oms.domain.account import Environment
from oms.domain.errors import Unavailable
from oms.domain.risk.kill_switch import KillScope
from oms.ports.leases import WORKER_ALIVE_SECONDS, WorkerRow
from oms.ports.registry import AccountRow
from oms.wire.json import time_text
from oms.wire.responses.health_rows import HealthPart, HealthParts, HealthReport

OUTBOX_LAG_SECONDS_MAX = 10.0
HEARTBEAT_SECONDS_MAX = 10.0
STOP_WATCH_SECONDS_MAX = 15.0
_CALENDARS = ("missing", "ends_soon", "ok")
"""What a worker says of its trading calendar, the worst first."""


async def build_health_report(context: ApiContext) -> HealthReport:
    """Return the report; ``status`` is ``down`` if the database does not answer."""
    at, started = context.clock.now(), time.perf_counter()
    try:
        await context.health.ping()
        duration_ms = round((time.perf_counter() - started) * 1000, 3)
        workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
        depths = await context.queue_depths.by_account()
        enabled: bool | None = await is_enabled(context)
        mode = broker_mode(await context.queries.registry.accounts())
    except Unavailable:
        unknown = _part(None, None, at, ok=False)
        parts = cast("HealthParts", dict.fromkeys(HealthParts.__annotations__, unknown))
        enabled, mode = None, None
    else:
        parts = _parts(context, duration_ms, workers, max(depths.values(), default=0), at)
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
        "parts": parts,
    }


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
        "queue": _part(depth, context.settings.commands.queue_depth_max, at),
        "stop_watcher": _part(stop_watch, STOP_WATCH_SECONDS_MAX, at),
        "outbox": _part(lag, OUTBOX_LAG_SECONDS_MAX, at),
        "calendar": {
            "ok": calendar in (None, "ok"),
            "value": calendar,
            "limit": None,
            "at": time_text(at),
        },
    }


def _part(
    measured: float | None, limit: float | None, at: datetime, *, ok: bool = True
) -> HealthPart:
    is_within = measured is None or limit is None or measured < limit
    rounded = None if measured is None else round(measured, 3)
    return {"ok": ok and is_within, "value": rounded, "limit": limit, "at": time_text(at)}
