"""Bots in the health report and in the metrics, and which leases are theirs."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from prometheus_client.core import Metric

from oms.api.metrics.metric_families import build_gauge
from oms.domain.bots.bot import HEARTBEAT_AGE_MAX, Bot, BotStatus, task_of_bot
from oms.ports.runner.task_leases import TaskStatus
from oms.wire.json import time_text
from oms.wire.responses.health_rows import HealthPart

_PREFIX = task_of_bot(0).removesuffix("0")


def without_bots(tasks: Sequence[TaskStatus]) -> Sequence[TaskStatus]:
    """Return the tasks that are no bots: the lease of a bot that is stopped is free."""
    return [task for task in tasks if not task.task.startswith(_PREFIX)]


def bots_part(bots: Sequence[Bot], at: datetime) -> HealthPart:
    """Return the oldest heartbeat of the bots that need a runner."""
    active = [bot for bot in bots if bot.needs_runner]
    ages = [bot.heartbeat_age.total_seconds() for bot in active if bot.heartbeat_age is not None]
    is_ok = not any(bot.is_stale or bot.status is BotStatus.ERROR for bot in bots)
    return {
        "ok": is_ok,
        "value": round(max(ages), 3) if ages else None,
        "limit": HEARTBEAT_AGE_MAX.total_seconds(),
        "at": time_text(at),
    }


def bot_families(bots: Sequence[Bot]) -> Sequence[Metric]:
    """Return the metrics of bots."""
    counts = Counter(bot.status.value for bot in bots)
    ages = [
        ((bot.terms.name,), bot.heartbeat_age.total_seconds())
        for bot in bots
        if bot.needs_runner and bot.heartbeat_age is not None
    ]
    stale = [((bot.terms.name,), float(bot.is_stale)) for bot in bots if bot.needs_runner]
    statuses = [((status,), float(count)) for status, count in sorted(counts.items())]
    return [
        build_gauge("bots", "Bots by status.", ("status",), statuses),
        build_gauge("bot_heartbeat_age_seconds", "Since the last heartbeat.", ("bot",), ages),
        build_gauge("bot_stale", "Whether no runner is known to run it.", ("bot",), stale),
    ]
