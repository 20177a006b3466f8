"""Families of ``/metrics`` that workers measure, and those that are read from the database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from prometheus_client.core import Metric, SummaryMetricFamily

from oms.api.context import ApiContext
from oms.api.metrics.dispatcher_status import read_status
from oms.api.metrics.metric_families import Sample, build_counter, build_gauge
from oms.domain.risk.kill_switch import KillMode, KillScope, KillSwitch
from oms.ports.leases import WORKER_ALIVE_SECONDS

Heartbeat = Mapping[str, Any]

_MODES = {mode: rank for rank, mode in enumerate(KillMode, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFigures:
    """What is measured once for all processes of a gateway."""

    #: Status and age of the heartbeat of each live worker.
    workers: Mapping[str, tuple[Heartbeat, float]]
    kill_switches: Sequence[KillSwitch]
    #: By account, its last snapshot.
    equities: Mapping[int, tuple[Decimal, str]]
    queue_age_seconds: float
    ws_clients: int | None


async def read_gateway_figures(context: ApiContext) -> GatewayFigures:
    """Return the figures. Raises ``Unavailable``."""
    workers = await context.leases.workers(WORKER_ALIVE_SECONDS)
    accounts = [row.account.id for row in await context.queries.registry.accounts()]
    snapshots = await context.performance.equity.snapshots.latest(accounts)
    since = (await context.metrics_query()).queued_since
    age = 0.0 if since is None else (context.clock.now() - since).total_seconds()
    socket = context.websocket
    return GatewayFigures(
        workers={
            each.worker_id: (read_status(each), each.heartbeat_age_seconds) for each in workers
        },
        kill_switches=await context.kill_switches.all(is_on=True, limit=None),
        equities={key: (each.equity, each.currency or "") for key, each in snapshots.items()},
        queue_age_seconds=round(max(age, 0.0), 3),
        ws_clients=None if socket is None else socket.client_count(),
    )


def gateway_families(figures: GatewayFigures) -> Iterator[Metric]:
    """Yield the families of these figures; some have no samples."""
    yield from _counters(figures)
    yield from _gauges(figures)
    phases = SummaryMetricFamily(
        "oms_order_phase_seconds",
        "Seconds of orders in their queue, from there to the request, and to its response.",
        labels=("worker", "phase"),
    )
    for name, (status, _) in figures.workers.items():
        for phase, (count, seconds) in status.get("order_phases", {}).items():
            phases.add_metric([name, phase], count_value=count, sum_value=seconds)
    yield phases


def _counters(figures: GatewayFigures) -> Iterator[Metric]:
    statuses = {name: status for name, (status, _) in figures.workers.items()}
    yield build_counter(
        "deals",
        "Executions that the worker booked since its start.",
        ("worker",),
        [((name,), each.get("deals", 0)) for name, each in statuses.items()],
    )
    yield build_counter(
        "risk_refusals",
        "Orders that limits refused since the start of the worker.",
        ("worker", "reason"),
        _labelled(statuses, "risk_refusals"),
    )
    yield build_counter(
        "stop_triggers",
        "Closes that stop levels caused since the start of the worker.",
        ("worker", "kind"),
        _labelled(statuses, "stop_triggers"),
    )


def _gauges(figures: GatewayFigures) -> Iterator[Metric]:
    statuses = {name: status for name, (status, _) in figures.workers.items()}
    ages = [((name,), age) for name, (_, age) in figures.workers.items()]
    text = "Time since the last heartbeat of a worker."
    yield build_gauge("worker_heartbeat_age_seconds", text, ("worker",), ages)
    text = "Open positions of loaded accounts by who closes them at their levels."
    yield build_gauge("protection", text, ("worker", "state"), _labelled(statuses, "protection"))
    streams = [
        ((account_id,), int(not seconds))
        for status in statuses.values()
        for account_id, seconds in status.get("streams", {}).items()
    ]
    yield build_gauge("stream_connected", "Whether the streams report.", ("account",), streams)
    prices: dict[str, float] = {}
    for status in statuses.values():
        for source, age in status.get("price_ages", {}).items():
            prices[source] = max(age, prices.get(source, 0.0))
    text = "Age of the oldest price of what accounts at an exchange hold."
    yield build_gauge(
        "price_age_seconds", text, ("exchange",), [((k,), v) for k, v in prices.items()]
    )
    modes = dict.fromkeys(KillScope, 0)
    for switch in figures.kill_switches:
        modes[switch.scope] = max(modes[switch.scope], _MODES[switch.mode])
    text = "Strictest kill switch: 0 none, 1 reduce_only, 2 cancel_only, 3 halt."
    yield build_gauge("kill_mode", text, ("scope",), [((k.value,), v) for k, v in modes.items()])
    equities = [((key, unit), float(worth)) for key, (worth, unit) in figures.equities.items()]
    yield build_gauge("equity", "Equity at the last snapshot.", ("account", "currency"), equities)
    text = "For how long the oldest command waits that may be executed."
    yield build_gauge("queue_age_seconds", text, (), [((), figures.queue_age_seconds)])
    clients = [] if figures.ws_clients is None else [((), figures.ws_clients)]
    yield build_gauge("ws_clients", "Open WebSocket connections of this process.", (), clients)


def _labelled(statuses: Mapping[str, Heartbeat], field: str) -> Iterable[Sample]:
    return [
        ((name, label), count)
        for name, status in statuses.items()
        for label, count in sorted(status.get(field, {}).items())
    ]
