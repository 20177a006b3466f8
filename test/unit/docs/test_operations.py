"""The operations pages match the code: metrics, log events, readiness checks, roles."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from oms.api.metrics.prometheus import render_metrics
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.metrics.worker_families import GatewayFigures
from oms.domain.access import MATRIX, Permission, Role, RoleAccess
from oms.domain.bots.bot import Bot, BotTerms, DesiredRun
from oms.domain.commands.command import CancelAllOrders
from oms.domain.market.timeframe import Timeframe
from oms.domain.notifications.sink import Sink, SinkKind, SinkStatus
from oms.domain.signals.signal import Sizing, SizingKind
from oms.ports.command_queue import CommandRow
from oms.ports.runner.task_leases import TaskState, TaskStatus

ROOT = Path(__file__).parents[3]
OBSERVABILITY = (ROOT / "docs/operations/observability.md").read_text(encoding="utf-8")
MODEL = (ROOT / "docs/security-model.md").read_text(encoding="utf-8")
METRIC = re.compile(r"^\| `(oms_\w+)` \| (\w+) \| (.*?) \|", re.MULTILINE)
LOGGED = re.compile(r'logger\.(debug|info|warning|error|exception|critical)\(\s*f?"([a-z]\w*_\w+)')
NOW = datetime(2026, 4, 1, tzinfo=UTC)
BOT = Bot(
    id=1,
    terms=BotTerms(
        name="cross",
        strategy="rsi",
        version="1",
        parameters={},
        params_hash="",
        account_id=1,
        strategy_id=1,
        exchange="binance",
        symbols=("BTC/USDT",),
        timeframe=Timeframe.HOUR,
        sizing=Sizing(kind=SizingKind.QTY, value=Decimal(1)),
        max_lag_seconds=3600,
    ),
    desired=DesiredRun(number=1, is_running=True),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    created_by="trader",
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    heartbeat_age=timedelta(seconds=1),
)
SINK = Sink(
    id=1,
    name="ops",
    kind=SinkKind.WEBHOOK,
    events=(),
    account_ids=(),
    min_interval_seconds=0,
    status=SinkStatus.ACTIVE,
    has_secret=False,
    created_at=NOW,
    created_by="admin",
)

FIGURES = GatewayFigures(
    workers={
        "w": (
            {
                "deals": 1,
                "risk_refusals": {"max_open_orders": 1},
                "stop_triggers": {"sl": 1},
                "order_phases": {"queue": [1, 0.1]},
                "protection": {"native": 1},
                "streams": {"1": 0.0},
                "price_ages": {"binance:live": 1.0},
            },
            0.1,
        )
    },
    kill_switches=(),
    equities={1: (Decimal(100), "USDT")},
    queue_age_seconds=0.0,
    ws_clients=1,
)


def test_the_example_of_the_version_has_the_newest_revision() -> None:
    revisions = (ROOT / "apps/oms/adapters/sql/migrations").glob("*/v0*.py")
    newest = max(path.name[1:5] for path in revisions)
    page = (ROOT / "docs/reference/http/operations.md").read_text(encoding="utf-8")
    assert re.findall(r'"schema_version": "(\d+)"', page) == [newest]


def _exported_families() -> dict[str, tuple[str, set[str]]]:
    """Type and labels of each metric family, with samples for all of them."""
    request_metrics = RequestMetrics(started_at=NOW)
    request_metrics.count_response(200)
    request_metrics.connections_closed["idle"] += 1
    request_metrics.csp_reports["logged"] += 1
    request_metrics.csrf_refused["origin"] += 1
    row = SimpleNamespace(
        command_type="cancel_all_orders",
        created_at=NOW,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=1),
    )
    request_metrics.count_commands([CancelAllOrders()], [cast(CommandRow, row)])
    request_metrics.signals["alerts", "queued"] += 1
    metrics: dict[str, Any] = {
        "workers": [
            {
                "worker_id": "w",
                "accounts": 1,
                "stop_watch_age_s": 0.1,
                "calendar": "ok",
                "loop_restarts": {"drain": 1},
            }
        ],
        "worker_queue_depth": {"paper": {"w": 1}},
        "tasks": [
            TaskStatus(
                task="worker_watch",
                owner="r",
                state=TaskState.RUNNING,
                silence_seconds=0.0,
                restarts=0,
                last_error=None,
            )
        ],
        "sinks": [SINK],
        "figures": FIGURES,
        "bots": [BOT],
        "candle_lags": [(("binance", "BTC/USDT", "1h"), 0.0)],
        "orders_unknown": 0,
        "reconciled": {
            "open": {"position_differs": 1},
            "differences": {(1, "BTC/USDT:USDT"): 1.0},
            "lags": {1: 60.0},
        },
        "orders_unknown_age_seconds_max": 0.0,
        "outbox_lag_ms": 0,
        "control_queue_depth": 0,
        "auth_cache_hits": 0,
        "auth_cache_misses": 0,
    }
    text = render_metrics(request_metrics, metrics, is_healthy=True).decode()
    families: dict[str, tuple[str, set[str]]] = {}
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        samples = re.findall(rf"^{name}(?:_count)?{{(.*)}} ", text, re.MULTILINE)
        families[name] = (
            kind,
            {label for each in samples for label in re.findall(r'(\w+)="', each)},
        )
    return families


def test_the_page_lists_exactly_the_metrics() -> None:
    page = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in METRIC.findall(OBSERVABILITY)
    }
    assert len(page) > 10
    assert page == _exported_families()


def test_alerts_use_existing_metrics() -> None:
    named = set(re.findall(r"\b(oms_[a-z_]+)\b", OBSERVABILITY))
    assert named <= set(_exported_families())


def test_the_page_lists_exactly_the_log_events() -> None:
    sources = (ROOT / "apps" / "oms").rglob("*.py")
    logged: dict[str, set[str]] = {}
    for path in sources:
        if path.name != "logs.py":
            for level, name in LOGGED.findall(path.read_text(encoding="utf-8")):
                level_name = "error" if level == "exception" else level
                logged.setdefault(name, set()).add(level_name)
    page: dict[str, set[str]] = {}
    part = OBSERVABILITY.split("## The log")[1].split("\n## ")[0]
    for names, levels in re.findall(r"^\| (`[a-z_]+`.*?) \| ([a-z, ]+) \|", part, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            page[name] = set(levels.split(", "))
    assert len(page) > 15
    assert page == logged


def test_the_page_lists_the_readiness_checks() -> None:
    text = (ROOT / "apps/oms/api/routes/health.py").read_text(encoding="utf-8")
    (names_text,) = re.findall(r"names = \((.*?)\)", text)
    part = OBSERVABILITY.split("`/readyz` checks")[1].split("\n\n")[0]
    for name in re.findall(r'"(\w+)"', names_text):
        assert f"`{name}`" in part


def test_the_roles_of_the_security_model_match_the_permission_table() -> None:
    columns = (Permission.TRADE, Permission.CLOSE, Permission.RISK_SWITCH)
    words = {RoleAccess.NO: "no", RoleAccess.YES: "yes", RoleAccess.COMMENT: "with a comment"}
    part = MODEL.split("| role | purpose |")[1].split("\n\n")[0]
    rows = {cells[0]: cells[2:] for cells in map(_cells, part.splitlines()[2:])}
    assert set(rows) == {role.value for role in Role}
    for role in Role:
        assert rows[role.value][:3] == [words[MATRIX[column, role]] for column in columns]
        administers = {"admin": "yes", "risk": "reads the audit log"}.get(role.value, "no")
        assert rows[role.value][3] == administers
        may_audit = MATRIX[Permission.AUDIT, role] is not RoleAccess.NO
        assert may_audit == (administers != "no")


def _cells(names_text: str) -> list[str]:
    return [cell.strip() for cell in names_text.strip("|").split("|")]
