"""Orders beside a strategy that never returns from a decision.

The runner executes it in a process of its own. In every second round the process is stopped by a
signal, so that what runs beside the orders differs by nothing else.
"""

import asyncio
import os
import signal
import statistics
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
    """Return latencies of ``measure`` with the strategy stopped and running, in turn."""
    process = _start_bot(gateway, runner)
    found: dict[str, list[Sequence[float]]] = {"stopped": [], "looping": []}
    for number in range(2 * rounds):
        name = list(found)[(number + number // 2) % 2]
        with _paused(process) if name == "stopped" else _looping(process):
            found[name].append(measure())
    os.kill(process, signal.SIGCONT)
    figures = {
        f"orders, a strategy {name}: p50, p99": ", ".join(
            f"{_median(values, share):.1f} ms" for share in (0.5, 0.99)
        )
        for name, values in found.items()
    }
    before, beside = found.values()
    ratios = [_median(beside, share) / _median(before, share) for share in (0.5, 0.99)]
    return figures | {"the ratio: p50, p99": f"{ratios[0]:.2f}, {ratios[1]:.2f}"}


def _median(rounds: Sequence[Sequence[float]], share: float) -> float:
    return statistics.median(percentile(values, share) for values in rounds)


@contextmanager
def _paused(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    yield


@contextmanager
def _looping(process: int) -> Iterator[None]:
    """Let it run; it must have used the processor when this is left."""
    os.kill(process, signal.SIGCONT)
    before = _processor_ticks(process)
    yield
    if _processor_ticks(process) == before:
        raise BenchError("the strategy did not run")


def _start_bot(gateway: Gateway, runner: int) -> int:
    """Start a bot that decides on a candle; returns the pid of the process that loops."""
    known = set(_children(runner))
    gateway.oms("instruments", "add", "--exchange=binance", f"--symbol={SYMBOL}")
    at = datetime.now(UTC).replace(second=0, microsecond=0) - MINUTE
    asyncio.run(store_closed_minute(gateway.dsn, SYMBOL, at, Decimal(100)))
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
