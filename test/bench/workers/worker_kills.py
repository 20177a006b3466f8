"""Kills the worker under load and checks that nothing is lost or executed twice."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load import Load, RunningLoad
from bench.processes import BenchError, await_condition
from bench.rounds import drain_system
from bench.systems import System

KILLS = 3
SHAPE = Load(name="kills", connections=16)
SECONDS_MAX = 120.0
RECOVERY_SECONDS_MAX = 25.0
PROGRESS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KillResult:
    """in_flight: commands queued or running after each kill; recovery_s: until the next command
    was done, including the start of the new process and the expiry of the lease."""

    system: str
    commands: int
    acknowledged: int
    in_flight: Sequence[int]
    recovery_s: Sequence[float]
    findings: Sequence[str]


def kill_worker_under_load(system: System) -> KillResult:
    """Kills it with SIGKILL three times under the load of wrk, and starts a new one."""
    before = system.checks.command_counts()
    running = RunningLoad(system.target, SHAPE, seconds=SECONDS_MAX, prefix=f"kill{time.time_ns()}")
    in_flight: list[int] = []
    recovery: list[float] = []
    findings: list[str] = []
    try:
        for _ in range(KILLS):
            _await_progress(system, PROGRESS)
            system.kill_worker()
            stuck = system.checks.command_counts()
            in_flight.append(stuck.unfinished)
            started = time.monotonic()
            system.start_worker()
            _await_progress(system, 1)
            recovery.append(time.monotonic() - started)
        _await_progress(system, PROGRESS)
    except BenchError as error:
        findings.append(str(error))
    finally:
        outcome = running.finish(early=True)
    findings += drain_system(system)
    system.settle()
    findings += system.checks.findings()
    if outcome.errors:
        findings.append(f"{outcome.errors} requests failed")
    if 0 in in_flight:
        findings.append("a kill found nothing in flight")
    stored = system.checks.command_counts().commands - before.commands
    acknowledged = outcome.requests - outcome.errors
    if acknowledged > stored:
        findings.append(f"{acknowledged} acknowledged, but {stored} stored")
    return KillResult(
        system=system.name,
        commands=stored,
        acknowledged=acknowledged,
        in_flight=in_flight,
        recovery_s=recovery,
        findings=findings,
    )


def _await_progress(system: System, commands: int) -> None:
    goal = system.checks.command_counts().done + commands
    await_condition(
        lambda: system.checks.command_counts().done >= goal,
        seconds=RECOVERY_SECONDS_MAX,
        what=f"{system.name}: {commands} more commands done",
    )
