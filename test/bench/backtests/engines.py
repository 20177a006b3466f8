"""The backtester beside backtrader and vectorbt: speed, memory, and the same executions.

    .venv/bin/python test/bench/run.py backtests [--bars 100000 1000000] [--rounds 3]

All engines run ``sma_cross`` with 20 and 50 on the same random minutes, with the same fee, slippage
and share of the equity. The executions of backtrader are compared one by one with the gateway's,
vectorbt's by their number. Exit status: 1 if they differ. The engines are installed from PyPI into
``var/interop/backtests`` once.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[2]
ENVIRONMENT = REPOSITORY / "var" / "interop" / "backtests"
FAST, SLOW = "20", "50"
#: Relative differences of prices and quantities that binary floats explain.
PRICE_ERROR, QTY_ERROR = 1e-9, 1e-7
GRID = ("--grid", "fast=5:50:5", "--grid", "slow=60:150:10")


def main(arguments: Sequence[str]) -> int:
    """Run all engines and print the report; returns the exit status."""
    options = _options(arguments)
    other = _environment()
    with tempfile.TemporaryDirectory(prefix="omsbacktests") as name:
        differences = 0
        print("| bars | engine | bars/s | ratio to backtrader | peak memory |")
        print("|---|---|---|---|---|")
        for bars in options.bars:
            prices = write_prices(Path(name) / f"{bars}.csv", bars)
            differences += _measure(prices, bars, options.rounds, other)
        _measure_sweep(Path(name) / f"{options.bars[0]}.csv", options.bars[0])
    return 1 if differences else 0


def write_prices(path: Path, bars: int) -> Path:
    """Write a random walk of minutes."""
    walk, price, start = random.Random(7), 1_000_000, 1_704_067_200
    with path.open("w") as file:
        file.write("time,open,high,low,close,volume\n")
        for number in range(bars):
            close = max(1000, price + walk.randint(-600, 600))
            high = max(price, close) + walk.randint(0, 100)
            low = min(price, close) - walk.randint(0, 100)
            volume = walk.randint(1, 100)
            numbers = f"{price / 100},{high / 100},{low / 100},{close / 100},{volume}"
            file.write(f"{start + 60 * number},{numbers}\n")
            price = close
    return path


def differences_of(
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return the executions that differ; the one that ends the data is the gateway's alone."""
    kept = [each for each in ours if each["reason"] != "end_of_data"]
    found = [] if len(kept) == len(theirs) else [f"{len(kept)} and {len(theirs)} executions"]
    for one, other in zip(kept, theirs, strict=False):
        is_equal = (
            (one["timestamp"], one["side"]) == (other["at"], other["side"])
            and abs(float(one["price"]) / other["price"] - 1) <= PRICE_ERROR
            and abs(float(one["quantity"]) / other["qty"] - 1) <= QTY_ERROR
        )
        if not is_equal:
            found.append(f"{one} is {other} in backtrader")
    return found


def _measure(prices: Path, bars: int, rounds: int, other: Path) -> int:
    """Print a row for each engine; returns the number of differences."""
    programs = {
        "gateway": (sys.executable, "gateway_sma.py"),
        "gateway, streamed from the file": (sys.executable, "gateway_sma.py", "--stream"),
        "backtrader": (str(other), "backtrader_sma.py"),
        "vectorbt": (str(other), "vectorbt_sma.py"),
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, (python, script, *flags) in programs.items():
            runs[name].append(_run(python, script, str(prices), FAST, SLOW, *flags))
    floor = [each["seconds"] for each in runs["backtrader"]]
    for name, done in runs.items():
        seconds = [each["seconds"] for each in done]
        ratio = statistics.median(b / s for b, s in zip(floor, seconds, strict=True))
        peak = done[0].get("peak_kib")
        memory = f"{peak / 1024:.0f} MiB" if peak else "-"
        rate = bars / statistics.median(seconds)
        print(f"| {bars:,} | {name} | {rate:,.0f} | {ratio:.2f} | {memory} |", flush=True)
    ours, theirs = runs["gateway"][0]["executions"], runs["backtrader"][0]["executions"]
    found = differences_of(ours, theirs)
    orders = runs["vectorbt"][0]["orders"]
    print(f"\n{len(theirs)} executions of backtrader, {len(found)} differ; vectorbt has {orders}\n")
    for each in found[:5]:
        print(each)
    return len(found) + (orders != len(theirs))


def _measure_sweep(prices: Path, bars: int) -> None:
    print(f"100 combinations on {bars:,} bars:", flush=True)
    base: float | None = None
    for workers in (1, 2):
        began = time.perf_counter()
        flags = ["--timeframe", "1m", "--strategy", "sma_cross", *GRID, "--workers", str(workers)]
        subprocess.run(
            [sys.executable, "-m", "oms", "backtest", "sweep", "--csv", str(prices), *flags],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - began
        base = base or seconds
        print(f"- {workers} processes: {seconds:.1f} s, ratio {base / seconds:.2f}", flush=True)


def _run(python: str, script: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, str(FOLDER / script), *arguments], check=True, capture_output=True, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _environment() -> Path:
    """Return the Python of the environment with the other engines, and create it if needed."""
    requirements = (FOLDER / "requirements.txt").read_text(encoding="utf-8")
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "requirements.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != requirements:
        print("installing backtrader and vectorbt (a few minutes)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(FOLDER / "requirements.txt")], check=True)
        stamp.write_text(requirements, encoding="utf-8")
    return python


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="backtests", description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args(arguments)
