"""CPU usage of the machine and of process trees, read from /proc (Linux only).

A reading is taken before and after a run; only differences are meaningful. Ticks are the kernel's
accounting unit, usually 1/100 s.
"""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Ticks since boot: of the machine, of all own processes, of each role."""

    at: float
    busy: int
    stolen: int
    own: int
    roles: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Usage between two readings.

    foreign_share: CPU time that is neither own nor idle, as a share of the whole machine.
    """

    seconds: float
    foreign_share: float
    machine_us: float
    roles_us: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    ticks: int


def read(roles: Mapping[str, int], extra_roots: Iterable[int] = ()) -> Reading:
    """Takes a reading; `roles` maps a role to the root pid of its process tree.

    The role `client` is always added: this process and the children that it has reaped (wrk).
    `extra_roots` are more trees that count as own without being children of this process.
    """
    processes = _processes()
    own: set[int] = set()
    for root in (os.getpid(), *roles.values(), *extra_roots):
        own |= _tree(root, processes)
    by_role = {role: _ticks(_tree(pid, processes), processes) for role, pid in roles.items()}
    by_role["client"] = _ticks({os.getpid()}, processes)
    busy, stolen = _machine()
    return Reading(
        at=time.monotonic(), busy=busy, stolen=stolen, own=_ticks(own, processes), roles=by_role
    )


def between(before: Reading, after: Reading) -> Usage:
    seconds = after.at - before.at
    busy = after.busy - before.busy
    foreign = max(0, busy - (after.own - before.own)) + after.stolen - before.stolen
    return Usage(
        seconds=seconds,
        foreign_share=foreign / (seconds * TICKS_PER_SECOND * CORES),
        machine_us=_microseconds(busy),
        roles_us={
            role: _microseconds(ticks - before.roles.get(role, 0))
            for role, ticks in after.roles.items()
        },
    )


def _microseconds(ticks: int) -> float:
    return ticks * 1_000_000 / TICKS_PER_SECOND


def _machine() -> tuple[int, int]:
    """Ticks of all cores since boot: (user + nice + system + interrupts, stolen by the host)."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(f) for f in fields[1:9])
    return user + nice + system + irq + softirq, steal


def _processes() -> dict[int, _Process]:
    processes = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = Path("/proc", entry, "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # the process has ended meanwhile
        fields = text[text.rindex(")") + 2 :].split()
        # utime, stime and those of reaped children
        processes[int(entry)] = _Process(int(fields[1]), sum(int(f) for f in fields[11:15]))
    return processes


def _tree(root: int, processes: Mapping[int, _Process]) -> set[int]:
    tree = {root} & processes.keys()
    while True:
        children = {pid for pid, process in processes.items() if process.parent in tree} - tree
        if not children:
            return tree
        tree |= children


def _ticks(pids: set[int], processes: Mapping[int, _Process]) -> int:
    return sum(processes[pid].ticks for pid in pids if pid in processes)
