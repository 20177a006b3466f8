"""Closed-loop load with wrk: as many commands as a number of connections can send.

The default wait applies, so a command with a response is filled.
"""

import json
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.processes import BenchError

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT = "30s"  # so that a kill of the worker does not cause a timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Address, accounts and order parameters of the load."""

    base_url: str
    api_key: str
    accounts: Sequence[int]
    symbol: str
    qty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A shape of load: connections, and commands per request."""

    name: str
    connections: int
    batch: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """The result of wrk. `errors` counts responses from 400 and broken connections."""

    requests: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float


LOADS = (
    Load(name="1 connection", connections=1),
    Load(name="16 connections", connections=16),
    Load(name="64 connections", connections=64),
    Load(name="batches of 100, 4 connections", connections=4, batch=100),
)


def require_wrk() -> None:
    """Raises BenchError with the install command if wrk is not installed."""
    if shutil.which("wrk") is None:
        raise BenchError(
            "wrk is missing: DEBIAN_FRONTEND=noninteractive apt-get install -y"
            " --no-install-recommends wrk"
        )


class RunningLoad:
    """A running load; `finish` stops it or waits for its end."""

    def __init__(self, target: Target, load: Load, *, seconds: float, prefix: str) -> None:
        query = "?parallel=true" if load.batch > 1 else ""
        self._child = subprocess.Popen(
            [
                *("wrk", "-t1", f"-c{load.connections}", f"-d{max(1, round(seconds))}s"),
                *("--timeout", TIMEOUT, "-s", str(SCRIPT)),
                f"{target.base_url}/oms/commands{query}",
                *("--", prefix, target.api_key, target.symbol, target.qty, str(load.batch)),
                ",".join(str(account) for account in target.accounts),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, *, early: bool = False) -> LoadResult:
        if early:
            self._child.send_signal(signal.SIGINT)
        printed, _ = self._child.communicate()
        return parse(printed)


def run(target: Target, load: Load, *, seconds: float, prefix: str) -> LoadResult:
    return RunningLoad(target, load, seconds=seconds, prefix=prefix).finish()


def parse(printed: str) -> LoadResult:
    """Parses the line that load.lua prints at the end."""
    for line in printed.splitlines():
        if line.startswith("bench "):
            figures = json.loads(line.removeprefix("bench "))
            return LoadResult(
                requests=figures["requests"],
                seconds=figures["duration_us"] / 1_000_000,
                errors=sum(
                    figures[kind] for kind in ("connect", "read", "write", "status", "timeout")
                ),
                p50_ms=figures["p50_us"] / 1_000,
                p99_ms=figures["p99_us"] / 1_000,
            )
    raise BenchError(f"wrk said nothing of use:\n{printed[-2_000:]}")
