"""Orders beside a strategy that never returns from a decision.

The runner executes it in a process of its own. In every third round the process is stopped by a
signal, so that what runs beside the orders differs by nothing else. In another third a bare loop
runs in its place, in the lowest class of the scheduler and the same session: no process that uses
the processor could disturb less, so its figures are the floor.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.latency import percentile
from bench.processes import BenchError, await_condition
from kit.backtests.stored_candles import store_closed_minute
from kit.gateway.processes import Gateway
from kit.http.client import call

SYMBOL = "BTC/USDT:USDT"
MINUTE = timedelta(minutes=1)
STARTED_SECONDS_MAX = 60.0
RULE = '''
from oms.strategies.catalog import StrategyDefinition


class Endless:
    """Never returns from the decision at a close of 105, which no candle has before it runs."""

    def warmup(self):
        return {}

    def on_bar(self, bars, side):
        while bars.base.close == 105:
            pass
        return []


STRATEGIES = [
    StrategyDefinition(
        name="endless", version="1", summary="", base=None, higher=(), parameters=(),
        build=lambda timeframe, parameters: Endless(),
    )
]
'''
_BARE_LOOP = """import os
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while True:
    pass
"""
Measure = Callable[[], Sequence[float]]


def environment_of(folder: Path) -> Mapping[str, str]:
    """Write the strategy; returns the variables of a gateway whose runner has it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "endless.py"
    path.write_text(RULE, encoding="utf-8")
    return {"OMS_STRATEGIES": str(path), "OMS_RUNNER_DECISION_SECONDS": "600"}


def measure_beside_strategy(
    gateway: Gateway, runner: int, rounds: int, measure: Measure
) -> dict[str, str]:
    """Return latencies of ``measure``: strategy stopped, looping, and a bare loop in its place."""
    process = _start_bot(gateway, runner)
    found: dict[str, list[Sequence[float]]] = {
        "a strategy stopped": [],
        "a strategy looping": [],
        "a bare loop": [],
    }
    with _bare_loop() as floor:
        for number in range(len(found) * rounds):
            name = list(found)[(number + number // len(found)) % len(found)]
            loops = {"a strategy looping": process, "a bare loop": floor}.get(name)
            with _only_running(loops, (process, floor)):
                found[name].append(measure())
    os.kill(process, signal.SIGCONT)
    figures = {
        f"orders, {name}: p50, p99": ", ".join(
            f"{_median(values, share):.1f} ms" for share in (0.5, 0.99)
        )
        for name, values in found.items()
    }
    stopped, looping, bare = found.values()
    return (
        figures
        | {"ratio of the strategy: p50, p99": _ratios(looping, stopped)}
        | {"ratio of the bare loop (floor): p50, p99": _ratios(bare, stopped)}
        | {"strategy to floor: p50, p99": _ratios(looping, bare)}
    )


def _ratios(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> str:
    found = (_median(one, share) / _median(other, share) for share in (0.5, 0.99))
    return ", ".join(f"{ratio:.2f}" for ratio in found)


def _median(rounds: Sequence[Sequence[float]], share: float) -> float:
    return statistics.median(percentile(values, share) for values in rounds)


@contextmanager
def _bare_loop() -> Iterator[int]:
    """Start a process that loops in the lowest class, stopped; yields its pid, and ends it."""
    with subprocess.Popen([sys.executable, "-c", _BARE_LOOP]) as process:
        try:
            process.send_signal(signal.SIGSTOP)
            yield process.pid
        finally:
            process.kill()


@contextmanager
def _only_running(process: int | None, all_processes: Sequence[int]) -> Iterator[None]:
    """Stop all but one, which must have used the processor when this is left."""
    for each in all_processes:
        os.kill(each, signal.SIGCONT if each == process else signal.SIGSTOP)
    before = 0 if process is None else _processor_ticks(process)
    yield
    if process is not None and _processor_ticks(process) == before:
        raise BenchError(f"process {process} did not run")


def _start_bot(gateway: Gateway, runner: int) -> int:
    """Start a bot that decides on a candle; returns the pid of the process that loops."""
    known = set(_children(runner))
    gateway.oms("instruments", "add", "--exchange=binance", f"--symbol={SYMBOL}")
    at = datetime.now(UTC).replace(second=0, microsecond=0) - MINUTE
    asyncio.run(store_closed_minute(gateway.dsn, SYMBOL, at, Decimal(100)))
    await_condition(
        lambda: '"endless"' in json.dumps(call(gateway, "GET", "/strategies/catalog")[1]),
        seconds=STARTED_SECONDS_MAX,
        what="the runner has loaded the strategy",
    )
    strategy = {"name": "endless", "account_ids": [gateway.netting_account_id]}
    body = {
        "name": "endless",
        "strategy": "endless",
        "params": {},
        "account_id": gateway.netting_account_id,
        "strategy_id": _post(gateway, "/strategies", strategy)["strategy_id"],
        "symbols": [SYMBOL],
        "timeframe": "1m",
        "sizing": {"kind": "qty", "value": "0.01"},
        "max_lag_seconds": 3600,
    }
    path = f"/bots/{_post(gateway, '/bots', body)['id']}"
    _post(gateway, f"{path}/start", {})
    await_condition(
        lambda: call(gateway, "GET", path)[1]["status"] == "running",
        seconds=STARTED_SECONDS_MAX,
        what="the bot runs",
    )
    asyncio.run(store_closed_minute(gateway.dsn, SYMBOL, at + MINUTE, Decimal(105)))
    await_condition(
        lambda: any(_processor_ticks(pid) > 100 for pid in set(_children(runner)) - known),
        seconds=STARTED_SECONDS_MAX,
        what="the strategy loops",
    )
    return max(set(_children(runner)) - known, key=_processor_ticks)


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(each) for each in text.split()]


def _processor_ticks(pid: int) -> int:
    """Return the hundredths of a second of processor time of a process; 0: it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return int(fields[11]) + int(fields[12])


def _post(gateway: Gateway, path: str, body: Mapping[str, object]) -> dict[str, object]:
    status, answer, _ = call(gateway, "POST", path, body)
    if status >= 300:
        raise BenchError(f"POST {path}: {status} {answer}")
    return dict(answer)
