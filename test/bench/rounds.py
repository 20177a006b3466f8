"""Runs a workload over all systems, interleaved A B A B; drops rounds with foreign CPU load."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench import cpu_usage, latency, load
from bench.processes import BenchError
from bench.systems import System

FOREIGN_SHARE_MAX = 0.20


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One system under one load for some seconds. A run with findings has rate 0.

    cpu_us: CPU microseconds per command of each role; machine_us: of the whole machine, including
    idle systems and foreign load.
    p50_ms, p99_ms: POST to response in closed loops; POST to FILLED (naive: response) in open ones.
    """

    system: str
    commands: int
    rate: float
    p50_ms: float
    p99_ms: float
    extra: Mapping[str, float] = field(default_factory=dict)
    cpu_us: Mapping[str, float]
    machine_us: float
    foreign_share: float
    findings: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """All rounds of one load. `disturbed`: too few rounds were quiet, so disturbed ones count."""

    name: str
    rounds: Sequence[Mapping[str, Run]]
    discarded: int
    disturbed: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClientResult:
    """The client's view of a run."""

    acknowledged: int
    seconds: float
    errors: Sequence[str]
    p50_ms: float
    p99_ms: float
    extra: Mapping[str, float] = field(default_factory=dict)


class Rounds:
    """Runs workloads for a number of rounds, and up to `spare` more instead of disturbed ones.

    `alternate`: every other round takes the systems in reverse order.
    """

    def __init__(
        self,
        systems: Sequence[System],
        *,
        own_pids: Sequence[int],
        count: int,
        spare: int,
        seconds: float,
        say: Callable[[str], None],
        alternate: bool = False,
    ) -> None:
        self._systems = systems
        self._own_pids = own_pids
        self._count = count
        self._spare = spare
        self._seconds = seconds
        self._say = say
        self._alternate = alternate
        self._prefixes: Iterator[str] = (f"run{number}" for number in itertools.count(1))

    def throughput(self, shape: load.Load) -> Workload:
        return self._interleave(shape.name, self._systems, lambda s: self._push(s, shape))

    def open_loop(self, rate: int, systems: Sequence[System]) -> Workload:
        name = f"latency at {rate}/s"
        return self._interleave(name, systems, lambda s: self._send_at_rate(s, rate))

    def _interleave(
        self, name: str, systems: Sequence[System], run: Callable[[System], Run]
    ) -> Workload:
        """Repeats rounds until enough are quiet or the spare rounds are used."""
        quiet: list[dict[str, Run]] = []
        disturbed: list[dict[str, Run]] = []
        while len(quiet) < self._count and len(quiet) + len(disturbed) < self._count + self._spare:
            is_reversed = self._alternate and (len(quiet) + len(disturbed)) % 2 == 1
            order = reversed(systems) if is_reversed else systems
            done = {system.name: run(system) for system in order}
            is_disturbed = any(one.foreign_share > FOREIGN_SHARE_MAX for one in done.values())
            (disturbed if is_disturbed else quiet).append(done)
            self._say(_line(name, done, is_disturbed))
        missing = self._count - len(quiet)
        return Workload(
            name=name,
            rounds=[*quiet, *disturbed[:missing]] if missing else quiet,
            discarded=max(0, len(disturbed) - missing),
            disturbed=missing > 0,
        )

    def _push(self, system: System, shape: load.Load) -> Run:
        def push(prefix: str) -> _ClientResult:
            outcome = load.run(system.target, shape, seconds=self._seconds, prefix=prefix)
            errors = []
            if outcome.errors:
                errors.append(f"{outcome.errors} requests failed; {system.explain()}")
            return _ClientResult(
                acknowledged=max(0, outcome.requests - outcome.errors) * shape.batch,
                seconds=outcome.seconds,
                errors=errors,
                p50_ms=outcome.p50_ms,
                p99_ms=outcome.p99_ms,
            )

        return self._measure(system, push)

    def _send_at_rate(self, system: System, rate: int) -> Run:
        is_naive = system.name == "naive"

        def send(prefix: str) -> _ClientResult:
            result = latency.measure(
                system.target, rate=rate, seconds=self._seconds, prefix=prefix, is_naive=is_naive
            )
            delays = result.answered if is_naive else result.filled
            errors = []
            if result.errors:
                errors.append(
                    f"{len(result.errors)} requests failed, the first: {result.errors[0]}"
                )
            if result.missing:
                errors.append(
                    f"{result.missing} of {result.sent} commands were never reported as filled"
                )
            return _ClientResult(
                acknowledged=len(result.answered) + len(result.acknowledged),
                seconds=self._seconds,
                errors=errors,
                p50_ms=latency.percentile(delays, 0.5),
                p99_ms=latency.percentile(delays, 0.99),
                extra={
                    **_percentiles("answer", result.answered),
                    **_percentiles("ack", result.acknowledged),
                },
            )

        return self._measure(system, send)

    def _measure(self, system: System, run: Callable[[str], _ClientResult]) -> Run:
        """Runs between two CPU readings, drains, and checks the database."""
        before = system.checks.command_counts()
        start = cpu_usage.read(system.roles(), self._own_pids)
        try:
            result = run(next(self._prefixes))
        except (BenchError, OSError) as error:
            result = _ClientResult(
                acknowledged=0, seconds=1.0, errors=[f"{error!r}"], p50_ms=0.0, p99_ms=0.0
            )
        findings = [*result.errors, *drain_system(system)]
        usage = cpu_usage.between(start, cpu_usage.read(system.roles(), self._own_pids))
        system.settle()
        findings += system.checks.findings()
        stored = system.checks.command_counts().commands - before.commands
        if result.acknowledged > stored:
            findings.append(f"{result.acknowledged} acknowledged, but {stored} stored")
        shared_by = max(1, stored)
        return Run(
            system=system.name,
            commands=stored,
            rate=0.0 if findings else result.acknowledged / result.seconds,
            p50_ms=result.p50_ms,
            p99_ms=result.p99_ms,
            extra=result.extra,
            cpu_us={role: used / shared_by for role, used in usage.roles_us.items()},
            machine_us=usage.machine_us / shared_by,
            foreign_share=usage.foreign_share,
            findings=findings,
        )


def _percentiles(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        f"{name}_p50_ms": latency.percentile(values, 0.5),
        f"{name}_p99_ms": latency.percentile(values, 0.99),
    }


def drain_system(system: System) -> list[str]:
    """Waits until no command is in flight; returns a finding on timeout or a dead process."""
    try:
        system.require_alive()
        system.drain()
    except BenchError as error:
        return [str(error)]
    return []


def _line(name: str, done: Mapping[str, Run], is_disturbed: bool) -> str:
    parts = [
        f"{run.system} {run.rate:.0f}/s p50 {run.p50_ms:.1f} p99 {run.p99_ms:.1f} ms"
        f" {run.machine_us:.0f} us/command" + "".join(f"\n    ! {f}" for f in run.findings)
        for run in done.values()
    ]
    foreign = max(run.foreign_share for run in done.values())
    mark = " (discarded)" if is_disturbed else ""
    return f"{name}: {' | '.join(parts)} | foreign {foreign:.0%}{mark}"
