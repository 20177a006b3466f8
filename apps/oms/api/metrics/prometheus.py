"""The Prometheus text format, version 0.0.4, of the gateway's metrics."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from oms.api.metrics.request_metrics import RequestMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Mapping[str, object], float]


class MetricFamily(NamedTuple):
    """One metric with its samples."""

    name: str
    kind: str
    help: str
    samples: Sequence[Sample]


def render_text(families: Iterable[MetricFamily]) -> str:
    """Return the text of all families that have samples."""
    lines: list[str] = []
    for family in families:
        if family.samples:
            lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
            lines += [f"{family.name}{_labels(labels)} {at:g}" for labels, at in family.samples]
    return "\n".join(lines) + "\n"


def build_families(
    request_metrics: RequestMetrics, status: Mapping[str, Any], is_well: bool
) -> list[MetricFamily]:
    """Return the metric families of a process; ``status`` is empty if no worker is alive."""
    workers = status.get("workers", ())
    depths = status.get("worker_queue_depth", {}).values()
    snapshot = request_metrics.snapshot()
    return [
        MetricFamily("oms_up", "gauge", "Whether the database answers.", [({}, float(is_well))]),
        MetricFamily(
            "oms_http_responses_total",
            "counter",
            "Responses by status, since this process started.",
            [
                ({"status": status}, count)
                for status, count in sorted(request_metrics.statuses.items())
            ],
        ),
        MetricFamily(
            "oms_commands_total",
            "counter",
            "Commands submitted to this process.",
            [({"command": op}, count) for op, count in sorted(request_metrics.ops.items())],
        ),
        MetricFamily(
            "oms_command_milliseconds",
            "gauge",
            "Milliseconds from start to end of the newest awaited commands.",
            [
                ({"quantile": f"0.{name[1:]}"}, at)
                for name, at in snapshot["execute_ms"].items()
                if at is not None
            ],
        ),
        MetricFamily("oms_workers", "gauge", "Live workers.", [({}, len(workers))]),
        MetricFamily(
            "oms_worker_accounts",
            "gauge",
            "Accounts leased by a worker.",
            [({"worker": row["worker_id"]}, row["accounts"]) for row in workers],
        ),
        MetricFamily(
            "oms_queue_depth",
            "gauge",
            "Queued commands.",
            [({"worker": name}, n) for rows in depths for name, n in sorted(rows.items())],
        ),
        *_plain(status),
        *_reconcile_families(status.get("reconciled", {})),
    ]


def _reconcile_families(metrics: Mapping[str, Any]) -> list[MetricFamily]:
    return [
        MetricFamily(
            "oms_discrepancies_open",
            "gauge",
            "Open discrepancies by class.",
            [({"class": kind}, count) for kind, count in metrics.get("open", {}).items()],
        ),
        MetricFamily(
            "oms_position_difference",
            "gauge",
            "Quantity at the exchange minus quantity in the ledger, of open discrepancies.",
            [
                ({"account": account, "symbol": symbol}, at)
                for (account, symbol), at in metrics.get("differences", {}).items()
            ],
        ),
        MetricFamily(
            "oms_reconcile_lag_seconds",
            "gauge",
            "Seconds since the last reconciliation of an account.",
            [({"account": account}, at) for account, at in metrics.get("lags", {}).items()],
        ),
    ]


def _plain(status: Mapping[str, Any]) -> list[MetricFamily]:
    helps = {
        "orders_unknown": "Orders whose outcome is unknown.",
        "orders_unknown_age_seconds_max": "Seconds for which the oldest of them has been unknown.",
        "outbox_lag_ms": "For how long stored events have not been delivered to listeners.",
        "control_queue_depth": "Queued control commands.",
        "auth_cache_hits": "Authentications answered from the cache.",
        "auth_cache_misses": "Authentications read from the database.",
    }
    return [
        MetricFamily(f"oms_{name}", "gauge", help, [({}, status[name])])
        for name, help in helps.items()
        if name in status
    ]


def _labels(labels: Mapping[str, object]) -> str:
    if not labels:
        return ""
    text = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items())
    return f"{{{text}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
