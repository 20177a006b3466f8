"""The report of a bench as Markdown: medians of rates, medians of per-round ratios."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from bench.rounds import Run, Workload
from bench.workers.worker_kills import KillResult

GATEWAYS = ("gateway/mariadb", "gateway/sqlite")
NAIVE = "naive"


def median(workload: Workload, system: str, figure: Callable[[Run], float]) -> float | None:
    """The median of a figure over the rounds in which the system took part."""
    values = [figure(one[system]) for one in workload.rounds if system in one]
    return statistics.median(values) if values else None


def ratio(
    workload: Workload, above: str, below: str, figure: Callable[[Run], float]
) -> float | None:
    """The median of the ratios of each round; a round in which a check was broken counts zero."""
    values = []
    for one in workload.rounds:
        if above not in one or below not in one:
            continue
        is_broken = one[above].findings or one[below].findings or not figure(one[below])
        values.append(0.0 if is_broken else figure(one[above]) / figure(one[below]))
    return statistics.median(values) if values else None


def render(
    *,
    heading: str,
    floors: Mapping[str, int],
    throughput: Sequence[Workload],
    latency: Sequence[Workload],
    kills: Sequence[KillResult],
) -> str:
    sections = [
        f"## {heading}",
        _table(["floor", "measured"], [[name, f"{rate}"] for name, rate in floors.items()]),
        "### Throughput, commands/s (medians; ratios are medians over rounds)",
        _throughput(throughput),
        "### Latency, ms (POST to FILLED event; naive: POST to answer)",
        _latency(latency),
        "### CPU, microseconds per command",
        _cpu([*throughput, *latency]),
        "### Worker killed under load",
        _kills(kills),
    ]
    broken = [
        f"- {workload.name}, {run.system}: {finding}"
        for workload in (*throughput, *latency)
        for one in workload.rounds
        for run in one.values()
        for finding in run.findings
    ]
    broken += [f"- kills, {kill.system}: {finding}" for kill in kills for finding in kill.findings]
    sections += ["### Checks", "\n".join(broken) or "All hold."]
    return "\n\n".join(sections)


def _throughput(workloads: Sequence[Workload]) -> str:
    def rate(run: Run) -> float:
        return run.rate

    rows = []
    for workload in workloads:
        mariadb, sqlite = GATEWAYS
        rows.append(
            [
                _name(workload),
                _number(median(workload, mariadb, rate)),
                _number(median(workload, sqlite, rate)),
                _number(median(workload, NAIVE, rate)),
                _times(ratio(workload, mariadb, NAIVE, rate)),
                _times(ratio(workload, sqlite, NAIVE, rate)),
                _times(ratio(workload, sqlite, mariadb, rate)),
                _number(median(workload, NAIVE, lambda run: run.p50_ms), 1),
            ]
        )
    heads = ["load", "MariaDB", "SQLite", "naive", "MariaDB / naive", "SQLite / naive"]
    return _table([*heads, "SQLite / MariaDB", "naive p50 ms"], rows)


def _latency(workloads: Sequence[Workload]) -> str:
    rows = []
    for workload in workloads:
        for system in (*GATEWAYS, NAIVE):
            if not any(system in one for one in workload.rounds):
                continue
            extra = [
                _number(median(workload, system, _extra(key)), 2)
                for key in ("ack_p50_ms", "ack_p99_ms", "answer_p50_ms", "answer_p99_ms")
            ]
            rows.append(
                [
                    _name(workload),
                    system,
                    _number(median(workload, system, lambda run: run.p50_ms), 2),
                    _number(median(workload, system, lambda run: run.p99_ms), 2),
                    *extra,
                    _times(ratio(workload, NAIVE, system, lambda run: run.p50_ms)),
                    _times(ratio(workload, NAIVE, system, lambda run: run.p99_ms)),
                ]
            )
    heads = ["load", "system", "p50", "p99", "ack p50", "ack p99", "answer p50", "answer p99"]
    return _table([*heads, "naive p50 / its", "naive p99 / its"], rows)


def _cpu(workloads: Sequence[Workload]) -> str:
    roles = ("api", "worker", "database", "client")
    rows = []
    for workload in workloads:
        for system in (*GATEWAYS, NAIVE):
            if not any(system in one for one in workload.rounds):
                continue
            by_role = [_number(median(workload, system, _used(role))) for role in roles]
            total = _number(median(workload, system, lambda run: sum(run.cpu_us.values())))
            machine = _number(median(workload, system, lambda run: run.machine_us))
            rows.append([_name(workload), system, *by_role, total, machine])
    return _table(["load", "system", *roles, "sum", "machine with all idle systems"], rows)


def _extra(key: str) -> Callable[[Run], float]:
    return lambda run: run.extra.get(key, math.nan)


def _used(role: str) -> Callable[[Run], float]:
    return lambda run: run.cpu_us.get(role, 0.0)


def _kills(kills: Sequence[KillResult]) -> str:
    rows = [
        [
            kill.system,
            str(kill.acknowledged),
            str(kill.commands),
            ", ".join(str(count) for count in kill.in_flight),
            ", ".join(f"{seconds:.1f}" for seconds in kill.recovery_s),
            "broken" if kill.findings else "hold",
        ]
        for kill in kills
    ]
    heads = ["system", "acknowledged", "commands", "in flight at the kills", "recovery s"]
    return _table([*heads, "checks"], rows)


def _name(workload: Workload) -> str:
    return f"{workload.name} (disturbed)" if workload.disturbed else workload.name


def _number(value: float | None, places: int = 0) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{places}f}"


def _times(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.1f}×"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
