"""What it takes to archive a long past: write, check and delete; verify; put a file back.

    PYTHONPATH=test .venv/bin/python -m bench.years.archive_runs [--orders 100000]

A past of that many filled orders, each with its command, deal, closed position and event, more than
a year old, is archived by the commands of ``oms``, in processes of their own. The links of the
commands in their chain are made by the service that makes them in a gateway, before. Exit status 1
if a row is lost or doubled, or a check finds something.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.databases import bulk_history
from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import execute, fetch_number, stored_time
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.services.access.chain_commands import ChainCommands

ACCOUNTS = 20
AGE_DAYS = 400
TABLES = ("oms_commands", "oms_orders", "oms_deals", "oms_positions", "event_outbox")
SERVER_OPTIONS = ("--innodb-log-file-size=512M", "--innodb-buffer-pool-size=1G")


def main(arguments: Sequence[str]) -> int:
    """Runs the bench; returns the exit status."""
    parser = argparse.ArgumentParser(prog="archive_runs", description="Archives a past.")
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--databases", type=lambda t: t.split(","), default=["mariadb", "sqlite"])
    options = parser.parse_args(arguments)
    is_clean = True
    for kind in options.databases:
        with tempfile.TemporaryDirectory(prefix="omsarchive") as name:
            folder = Path(name)
            if kind == "sqlite":
                url = f"sqlite+aiosqlite:///{folder / 'oms.sqlite3'}"
                is_clean &= _measure(kind, url, folder, options.orders)
                continue
            with PrivateMariaDB(SERVER_OPTIONS) as server:
                server.create_database("archived")
                url = server.dsn("archived", "asyncmy")
                is_clean &= _measure(kind, url, folder, options.orders)
    return 0 if is_clean else 1


def _measure(kind: str, url: str, folder: Path, orders: int) -> bool:
    """Prints the figures of one database; returns whether nothing was lost or doubled."""
    asyncio.run(_prepare(url, orders))
    before = _counts(url)
    archive = ("archive", "run", f"--folder={folder / 'files'}", "--older-than-days=370")
    done, seconds = _timed(url, folder, *archive)
    moved = sum(each["moved"] for each in done["archives"])
    after = _counts(url)
    size = sum(path.stat().st_size for path in (folder / "files").iterdir())
    checked, verify_seconds = _timed(
        url, folder, "archive", "verify", f"--folder={folder / 'files'}"
    )
    restore_seconds = 0.0
    for each in reversed(done["archives"]):
        flags = (f"--folder={folder / 'files'}", f"--archive-id={each['id']}", "--yes")
        restore_seconds += _timed(url, folder, "archive", "restore", *flags)[1]
    print(
        f"| {kind} | {orders:,} | {moved:,} in {len(done['archives'])} files,"
        f" {size / 1e6:.0f} MB | {seconds:.0f} s, {moved / seconds:,.0f} rows/s |"
        f" {seconds / orders * 100_000:.0f} s | {verify_seconds:.0f} s |"
        f" {restore_seconds:.0f} s, {moved / restore_seconds:,.0f} rows/s |",
        flush=True,
    )
    print(f"before {before}, archived {after}, restored {_counts(url)}", flush=True)
    is_moved = moved == sum(before.values()) - sum(after.values()) and after["oms_deals"] == 0
    return bool(checked["ok"]) and is_moved and _counts(url) == before


async def _prepare(url: str, orders: int) -> None:
    await create_schema(url)
    bulk_history.insert_history(
        url, count=orders, accounts=ACCOUNTS, tables=TABLES, newest_age_days=AGE_DAYS
    )
    first, at = bulk_history.FIRST_ACCOUNT, stored_time(url).replace("2026", "2020")
    for account_id in range(first, first + ACCOUNTS):
        execute(
            url,
            "INSERT INTO accounts (id, exchange_id, label, position_mode, environment,"
            f" created_at) VALUES ({account_id}, 'paper.binance', 'a', 'netting',"
            f" 'paper', '{at}')",
            "INSERT INTO account_streams (account_id, head_seq, lease_token) VALUES"
            f" ({account_id}, {orders // ACCOUNTS}, 0)",
        )
    execute(url, "UPDATE oms_commands SET finished_at = created_at, order_id = id")
    store = await SqlStore.open(url, check_account)
    chain = ChainCommands(chain=store.command_chain, clock=SystemClock())
    while fetch_number(url, "SELECT COUNT(*) FROM command_chain") < orders:
        await chain()
    await store.close()


def _timed(url: str, folder: Path, *arguments: str) -> tuple[Any, float]:
    """The JSON output of a command, and the seconds of its process."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("OMS_")}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "oms", *arguments, "--json"],
        env=inherited | {"OMS_DATABASE_URL": url, "OMS_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"oms {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout), time.monotonic() - began


def _counts(url: str) -> dict[str, int]:
    return {table: fetch_number(url, f"SELECT COUNT(*) FROM {table}") for table in TABLES}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
