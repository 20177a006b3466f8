"""freqtrade, a program without support for oms-gateway, trades through it in live mode.

    make interop-freqtrade [ARGS="--case futures-bybit"]

Creates an environment with freqtrade and the driver (in ``var/interop``), starts a gateway on a
free port, runs freqtrade on a paper account of it for each case, and compares freqtrade's database
with the gateway. Not a test of ``make test``: it needs PyPI and some minutes.
"""

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# Run as a script: the folders of what it imports are no import roots yet.
for import_root in (FOLDER.parents[1], FOLDER.parent, FOLDER):
    sys.path.insert(0, str(import_root))

from books import closed_trips, compare  # noqa: E402
from environments import (  # noqa: E402
    Finding,
    create_account,
    create_environment,
    driver_environment,
)

from kit.gateway.processes import Gateway  # noqa: E402

SECONDS_MAX = 300
STOP_SECONDS = 30.0
#: Configuration file, strategy and exchange by case.
CASES = {
    "spot-binance": ("config.json", "RoundTrip", "binance"),
    "futures-binance": ("config_futures.json", "RoundTripFutures", "binance"),
    "futures-bybit": ("config_futures.json", "RoundTripFutures", "bybit"),
}
ERROR_WORDS = (" - ERROR - ", " - CRITICAL - ", "Traceback (most recent call last)")


def main() -> int:
    """Runs the cases; returns the exit status."""
    # On SIGTERM the started processes must be ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = _options()
    with tempfile.TemporaryDirectory(prefix="omsfreq") as name:
        folder = Path(name)
        try:
            exchanges = [exchange for _, _, exchange in CASES.values()]
            python = create_environment(FOLDER / "requirements.txt", exchanges)
            gateway = Gateway(folder / "gateway")
            try:
                gateway.start()
                for case in options.case or CASES:
                    run_case(gateway, case, python, folder / case, options)
            finally:
                gateway.stop()
        except (Finding, subprocess.CalledProcessError) as error:
            print(f"interop-freqtrade: {error}", file=sys.stderr)
            return 1
        finally:
            if options.keep and folder.exists():
                shutil.copytree(folder, options.keep, dirs_exist_ok=True)
    return 0


def run_case(
    gateway: Gateway, case: str, python: Path, folder: Path, options: argparse.Namespace
) -> None:
    """Trades on an account of its own, and prints the comparison. Raises ``Finding``."""
    config, _, exchange = CASES[case]
    print(f"{case}: {config}", flush=True)
    folder.mkdir()
    account_id = create_account(gateway, case, exchange)
    ends_at = time.monotonic() + options.seconds
    trade(gateway, account_id, case, python, folder, options.trips, ends_at)
    for line in compare(gateway, account_id, folder / "freqtrade.sqlite").lines:
        print(f"  {line}")


def trade(
    gateway: Gateway,
    account_id: int,
    case: str,
    python: Path,
    folder: Path,
    trips: int,
    ends_at: float,
) -> None:
    """Runs freqtrade until it has closed ``trips`` trades, on contracts as many more by stops.

    Raises ``Finding``.
    """
    log, database = folder / "freqtrade.log", folder / "freqtrade.sqlite"
    stops = trips if case.startswith("futures") else 0
    with _freqtrade(gateway, account_id, case, python, folder) as process:
        while not _has_closed(database, trips, stops):
            errors = error_lines(log)
            if errors or process.poll() is not None or time.monotonic() > ends_at:
                break
            time.sleep(0.5)
        # A few more iterations of its loop: errors may follow a trade.
        if process.poll() is None and not error_lines(log):
            time.sleep(5)
    text = log.read_text(encoding="utf-8", errors="replace")
    errors = error_lines(log)
    if errors or not _has_closed(database, trips, stops):
        tail = "\n".join(text.splitlines()[-60:])
        raise Finding(f"{tail}\n\nnot {trips} exits, {stops} stops without an error: {errors[:5]}")
    warnings = [line for line in text.splitlines() if " - WARNING - " in line]
    print(f"  freqtrade: {len(text.splitlines())} lines of log, no ERROR, {len(warnings)} warnings")
    for line in warnings:
        print(f"    {line}")


def _has_closed(database: Path, trips: int, stops: int) -> bool:
    by_exit, by_stop = closed_trips(database)
    return by_exit >= trips and by_stop >= stops


def error_lines(log: Path) -> Sequence[str]:
    """Returns the lines of freqtrade's log that contain an error."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return [line for line in text.splitlines() if any(word in line for word in ERROR_WORDS)]


@contextlib.contextmanager
def _freqtrade(
    gateway: Gateway, account_id: int, case: str, python: Path, folder: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Yields the running freqtrade; ended by SIGINT as by Ctrl-C."""
    config, strategy, exchange = CASES[case]
    settings = {**driver_environment(gateway, account_id), "FREQTRADE__EXCHANGE__NAME": exchange}
    (folder / "user_data").mkdir()
    command = [
        *(str(python), "-m", "freqtrade", "trade"),
        *("--config", str(FOLDER / config), "--strategy", strategy),
        *("--strategy-path", str(FOLDER), "--userdir", str(folder / "user_data")),
        *("--db-url", f"sqlite:///{folder / 'freqtrade.sqlite'}"),
    ]
    with (folder / "freqtrade.log").open("ab") as output:
        process = subprocess.Popen(command, env=settings, cwd=folder, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Runs freqtrade through a gateway.")
    parser.add_argument("--case", action="append", choices=CASES, help="all by default")
    parser.add_argument("--trips", type=int, default=1, help="trades of each kind (1)")
    parser.add_argument("--seconds", type=float, default=SECONDS_MAX, help="of a case (300)")
    parser.add_argument("--keep", type=Path, help="a folder for logs and databases")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
