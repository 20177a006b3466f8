"""freqtrade, a program that knows nothing of oms-gateway, trades through it in live mode.

    make interop-freqtrade

Sets up an environment with freqtrade and the driver (kept under ``var/interop``), starts a gateway
of its own on a free port, lets freqtrade buy and sell on a paper account of it, and compares
freqtrade's books with the gateway's. Not a test of ``make test``: it needs PyPI and some minutes.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[2]
# Started as a script: the folder that holds the package `kit` is not on the path yet.
sys.path.insert(0, str(FOLDER.parents[1]))
sys.path.insert(0, str(FOLDER))

from books import Compared, Finding, compare, round_trips  # noqa: E402

from kit.databases.sql import fetch_rows  # noqa: E402
from kit.gateway.processes import Gateway  # noqa: E402
from kit.http.client import call  # noqa: E402
from kit.polling import wait_until  # noqa: E402

ENVIRONMENT = REPOSITORY / "var" / "interop" / "freqtrade"
REQUIREMENTS = FOLDER / "requirements.txt"
EXCHANGE = "binance"
SECONDS_MAX = 600
STOP_SECONDS = 30.0
BAD_WORDS = (" - ERROR - ", " - CRITICAL - ", "Traceback (most recent call last)")


def main() -> int:
    """Run it; the exit status."""
    # Ended from outside, it must still end the processes that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = _options()
    ends_at = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory(prefix="omsfreq") as name:
        folder = Path(name)
        try:
            python = environment()
            gateway = Gateway(folder / "gateway")
            try:
                gateway.start()
                account_id = an_account(gateway)
                trade(gateway, account_id, python, folder, options.trips, ends_at)
                told = compare(gateway, account_id, folder / "freqtrade.sqlite")
            finally:
                gateway.stop()
        except (Finding, subprocess.CalledProcessError) as failed:
            print(f"interop-freqtrade: {failed}", file=sys.stderr)
            return 1
        finally:
            if options.keep and folder.exists():
                shutil.copytree(folder, options.keep, dirs_exist_ok=True)
    _print(told)
    return 0


def environment() -> Path:
    """The Python with freqtrade, the driver of this tree and the patch; made if need be."""
    python = ENVIRONMENT / "bin" / "python"
    stamp, wanted = ENVIRONMENT / "requirements.txt", REQUIREMENTS.read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print("installing freqtrade (a few minutes)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        _pip(python, "--requirement", str(REQUIREMENTS))
        stamp.write_text(wanted, encoding="utf-8")
    # Without its dependencies: those are the server's, and freqtrade brings what the driver needs.
    _pip(python, "--no-deps", "--force-reinstall", str(REPOSITORY))
    patch = ("-m", "ccxt_driver.autopatch", "install", "--mode", "aggressive")
    subprocess.run([python, *patch, "--override", EXCHANGE], check=True, cwd=ENVIRONMENT)
    return python


def an_account(gateway: Gateway) -> int:
    """A paper account that the trader's key trades on.

    Fees are paid in the quote, as where they are paid in a third currency: a spot buy that pays in
    the base leaves less than a step in the position, which a plain sale does not end.
    """
    (trader,) = fetch_rows(gateway.dsn, "SELECT id FROM users WHERE name = 'trader'")
    extra = {"oms": {"paper": {"fee_currency": "quote", "balances": {"USDT": "10000"}}}}
    kind = ("--exchange-id=paper.binance", "--position-mode=netting", "--label=freqtrade")
    made = gateway.oms(
        "add-account", f"--user-id={trader[0]}", *kind, f"--extra-config={json.dumps(extra)}"
    )
    account_id = int(made["account_id"])
    wait_until(lambda: _is_granted(gateway, account_id), 20, "the key knows the account")
    return account_id


def _is_granted(gateway: Gateway, account_id: int) -> bool:
    status, body, _ = call(gateway, "POST", f"/ccxt/{account_id}/fetch_balance", {})
    return status == 200 and bool(body["ok"])


def trade(
    gateway: Gateway, account_id: int, python: Path, folder: Path, trips: int, ends_at: float
) -> None:
    """Let freqtrade trade until it closed ``trips`` trades. Raises ``Finding``."""
    log = folder / "freqtrade.log"
    with _freqtrade(gateway, account_id, python, folder, log) as process:
        while round_trips(folder / "freqtrade.sqlite") < trips:
            bad = bad_lines(log)
            if bad or process.poll() is not None or time.monotonic() > ends_at:
                break
            time.sleep(0.5)
        # Some more rounds of its loop: what comes after a trade may go wrong as well.
        if process.poll() is None and not bad_lines(log):
            time.sleep(5)
    text = log.read_text(encoding="utf-8", errors="replace")
    bad = bad_lines(log)
    if bad or round_trips(folder / "freqtrade.sqlite") < trips:
        tail = "\n".join(text.splitlines()[-60:])
        raise Finding(f"{tail}\n\nnot {trips} trades without an error: {bad[:5]}")
    warnings = [line for line in text.splitlines() if " - WARNING - " in line]
    print(f"freqtrade: {len(text.splitlines())} lines of log, no ERROR, {len(warnings)} warnings")
    for line in warnings:
        print(f"  {line}")


def bad_lines(log: Path) -> Sequence[str]:
    """The lines of freqtrade's log that tell of an error."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return [line for line in text.splitlines() if any(word in line for word in BAD_WORDS)]


@contextlib.contextmanager
def _freqtrade(
    gateway: Gateway, account_id: int, python: Path, folder: Path, log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """freqtrade at work; asked to end as a user does, by Ctrl-C."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    told = {
        "CCXT_OMS_BASE_URL": gateway.base_url,
        "CCXT_OMS_ACCOUNT_ID": str(account_id),
        "CCXT_OMS_API_KEY": gateway.api_key,
    }
    (folder / "user_data").mkdir()
    command = [
        *(str(python), "-m", "freqtrade", "trade"),
        *("--config", str(FOLDER / "config.json"), "--strategy", "RoundTrip"),
        *("--strategy-path", str(FOLDER), "--userdir", str(folder / "user_data")),
        *("--db-url", f"sqlite:///{folder / 'freqtrade.sqlite'}"),
    ]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=ours | told, cwd=folder, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _pip(python: Path, *what: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    done = subprocess.run(
        [python, "-m", "pip", "install", *quiet, *what], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise Finding(f"pip install {' '.join(what)} failed:\n{done.stderr[-2000:]}")


def _print(told: Compared) -> None:
    for line in told.lines:
        print(line)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Let freqtrade trade through a gateway.")
    parser.add_argument("--trips", type=int, default=1, help="trades, each in and out (1)")
    parser.add_argument("--seconds", type=float, default=SECONDS_MAX, help="at most (600)")
    parser.add_argument("--keep", type=Path, help="a folder for logs and databases")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
