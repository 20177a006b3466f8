"""The metrics of ``/metrics`` in the Prometheus text format 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from oms.api.metrics.bot_report import bot_families
from oms.api.metrics.metric_families import Sample, build_counter, build_gauge
from oms.api.metrics.request_metrics import DurationHistogram, RequestMetrics
from oms.api.metrics.worker_families import GatewayFigures, gateway_families
from oms.domain.notifications.sink import Sink
from oms.ports.runner.task_leases import TaskStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_GAUGES = {
    "orders_unknown": "Orders whose outcome is unknown.",
    "orders_unknown_age_seconds_max": "Age of the oldest order whose outcome is unknown.",
    "outbox_lag_ms": "For how long stored events have not been delivered to listeners.",
    "control_queue_depth": "Queued control commands.",
}
_COUNTERS = {
    "auth_cache_hits": "Authentications answered from the cache.",
    "auth_cache_misses": "Authentications read from the database.",
}


class GatewayCollector(Collector):
    """Collects a process's counters and a snapshot of the status."""

    def __init__(
        self, request_metrics: RequestMetrics, status: Mapping[str, Any], *, is_healthy: bool
    ) -> None:
        self._request_metrics = request_metrics
        self._status = status
        self._is_healthy = is_healthy

    def collect(self) -> Iterable[Metric]:
        """Yield the families that have samples."""
        families = (
            *self._request_families(),
            *self._worker_families(),
            *self._status_families(),
            *_task_families(self._status.get("tasks", ())),
            _notification_family(self._status.get("sinks", ())),
            *bot_families(self._status.get("bots", ())),
            _candle_family(self._status.get("candle_lags", ())),
            *_reconcile_families(self._status.get("reconciled", {})),
            *self._gateway_families(),
        )
        return [family for family in families if family.samples]

    def _request_families(self) -> Iterator[Metric]:
        metrics = self._request_metrics
        yield build_gauge(
            "up", "Whether the database answers.", (), [((), float(self._is_healthy))]
        )
        responses = [((status,), count) for status, count in sorted(metrics.statuses.items())]
        yield build_counter("http_responses", "Responses of this process.", ("status",), responses)
        yield build_gauge(
            "connections", "Open client connections.", (), [((), metrics.connections_open)]
        )
        closed = [((reason,), n) for reason, n in sorted(metrics.connections_closed.items())]
        yield build_counter(
            "connections_closed", "Connections closed by a limit.", ("reason",), closed
        )
        reports = [((result,), n) for result, n in sorted(metrics.csp_reports.items())]
        yield build_counter("csp_reports", "Reported policy violations.", ("result",), reports)
        yield build_counter(
            "signals",
            "Requests for signals.",
            ("source", "status"),
            sorted(metrics.signals.items()),
        )
        refused = [((reason,), n) for reason, n in sorted(metrics.csrf_refused.items())]
        text = "Requests with a session cookie that may come from a foreign page."
        yield build_counter("csrf_refused", text, ("reason",), refused)
        commands = [((name,), count) for name, count in sorted(metrics.ops.items())]
        yield build_counter(
            "commands", "Commands submitted to this process.", ("command",), commands
        )
        yield _histogram(
            "command_seconds",
            "Seconds from start to end of the commands that this process waited for.",
            metrics.execution_seconds,
        )
        yield _histogram(
            "command_queue_seconds",
            "Seconds from submission to start of awaited commands whose start was stored.",
            metrics.queue_wait_seconds,
        )

    def _worker_families(self) -> Iterator[Metric]:
        workers = self._status.get("workers", ())
        yield build_gauge("workers", "Live workers.", (), [((), len(workers))])
        accounts = [((row["worker_id"],), row["accounts"]) for row in workers]
        yield build_gauge("worker_accounts", "Accounts leased by a worker.", ("worker",), accounts)
        watched = [
            ((row["worker_id"],), row["stop_watch_age_s"])
            for row in workers
            if row["stop_watch_age_s"] is not None
        ]
        text = "Time since the worker compared stop levels with prices."
        yield build_gauge("stop_watch_age_seconds", text, ("worker",), watched)
        calendars = [
            ((row["worker_id"],), int(row["calendar"] == "ok"))
            for row in workers
            if row["calendar"] is not None
        ]
        restarts = [
            ((row["worker_id"], loop), count)
            for row in workers
            for loop, count in sorted(row["loop_restarts"].items())
        ]
        text = "Rounds of a worker's loop that failed since its start."
        yield build_counter("worker_loop_restarts", text, ("worker", "loop"), restarts)
        text = "Whether the trading calendar reaches 60 days ahead."
        yield build_gauge("trading_calendar_ok", text, ("worker",), calendars)
        depths = [
            ((name,), depth)
            for by_worker in self._status.get("worker_queue_depth", {}).values()
            for name, depth in sorted(by_worker.items())
        ]
        yield build_gauge("queue_depth", "Queued commands.", ("worker",), depths)

    def _gateway_families(self) -> Iterable[Metric]:
        figures: GatewayFigures | None = self._status.get("figures")
        return () if figures is None else gateway_families(figures)

    def _status_families(self) -> Iterator[Metric]:
        status = self._status
        for name, text in _GAUGES.items():
            yield build_gauge(name, text, (), [((), status[name])] if name in status else [])
        for name, text in _COUNTERS.items():
            yield build_counter(name, text, (), [((), status[name])] if name in status else [])


def render_metrics(
    request_metrics: RequestMetrics, status: Mapping[str, Any], *, is_healthy: bool
) -> bytes:
    """Return the text of all metrics; without a live worker ``status`` has few of them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(GatewayCollector(request_metrics, status, is_healthy=is_healthy))
    return generate_latest(registry)


def _task_families(tasks: Sequence[TaskStatus]) -> Iterator[Metric]:
    restarts = [((each.task,), each.restarts) for each in tasks]
    text = "Restarts of tasks of the runner after failures."
    yield build_counter("task_restarts", text, ("task",), restarts)
    running = [((each.task,), int(each.is_running)) for each in tasks]
    yield build_gauge("task_running", "Whether a task of the runner runs.", ("task",), running)


def _notification_family(sinks: Sequence[Sink]) -> Metric:
    counts = [
        ((sink.name, result), count)
        for sink in sinks
        for result, count in (
            ("delivered", sink.delivered),
            ("failed", sink.failed),
            ("dead", sink.dead),
        )
    ]
    text = "Messages that arrived or were given up, and attempts that failed."
    return build_counter("notifications", text, ("sink", "result"), counts)


def _candle_family(lags: Sequence[Sample]) -> Metric:
    text = "For how long closed candles of a series are missing."
    return build_gauge("candles_lag_seconds", text, ("exchange", "symbol", "timeframe"), list(lags))


def _reconcile_families(metrics: Mapping[str, Any]) -> Iterator[Metric]:
    classes = [((str(name),), count) for name, count in metrics.get("open", {}).items()]
    yield build_gauge("discrepancies_open", "Open discrepancies by class.", ("class",), classes)
    yield build_gauge(
        "position_difference",
        "Quantity at the exchange minus quantity in the ledger, of open discrepancies.",
        ("account", "symbol"),
        list(metrics.get("differences", {}).items()),
    )
    yield build_gauge(
        "reconcile_lag_seconds",
        "Seconds since the last reconciliation of an account.",
        ("account",),
        [((account_id,), lag) for account_id, lag in metrics.get("lags", {}).items()],
    )


def _histogram(
    name: str, text: str, histograms: Mapping[str, DurationHistogram]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"oms_{name}", text, labels=("command",))
    for command, histogram in sorted(histograms.items()):
        family.add_metric([command], histogram.cumulative_buckets(), histogram.sum_seconds)
    return family
