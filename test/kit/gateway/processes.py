"""A gateway in real processes for end-to-end tests, with its own folder and free ports.

Without ``workers`` it is ``oms up``, whose supervisor starts the processes. Otherwise one API
process and that number of workers are started here. There is no runner unless a test asks for one.
Without ``has_session`` they stay in the session of the caller. With ``is_forked=False`` each is a
new interpreter (``kit.gateway.oms_process``), as those of a supervisor always are.
Only processes started here are ended, by pid.
"""

import asyncio
import json
import os
import signal
import subprocess
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import fetch_rows
from kit.free_ports import free_port
from kit.gateway.oms_process import OmsProcess, run_oms, start_oms
from kit.http.client import call
from kit.polling import wait_until
from oms import bootstrap
from oms.cli.audit_context import cli_audit_context
from oms.cli.registry_accounts import FULL_GRANT, create_granted_account
from oms.config import Settings
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleSource
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_store import CandleSeries
from oms.services.candles.store_candles import store_candles

READY_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 10.0
COMMAND_SECONDS_MAX = 120.0
Running = TypeVar("Running", bound="Gateway")


class Gateway:
    """A running gateway with its address, keys and accounts."""

    def __init__(
        self,
        folder: Path,
        *,
        dsn: str | None = None,
        mariadb: PrivateMariaDB | None = None,
        workers: int | None = None,
        worker_host: str | None = None,
        runner: bool = False,
        environment: Mapping[str, str] | None = None,
        has_session: bool = True,
        is_forked: bool = True,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.data_folder = folder / "var"
        self.dsn = dsn or f"sqlite+aiosqlite:///{self.data_folder / 'oms.sqlite3'}"
        self._mariadb = mariadb
        self._workers = workers
        self._worker_host = worker_host
        self._has_session, self._is_forked = has_session, is_forked
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OMS_")}
        self.environment = inherited | {
            "OMS_HOME": str(self.data_folder),
            "OMS_DATABASE_URL": self.dsn,
            "OMS_PORT": str(self.port),
            "OMS_RUNNER_ENABLED": "on" if runner else "off",
            "OMS_LIMITS_TRADE_PER_SECOND": "100000",  # one key is shared by many clients
            "OMS_LIMITS_CANCEL_PER_SECOND": "100000",
            **(environment or {}),
        }
        #: Each with its role, the first argument of ``oms``.
        self._processes: list[tuple[str, OmsProcess]] = []
        self._api: OmsProcess | None = None
        self._supervisor: OmsProcess | None = None
        self.log = folder / "gateway.log"
        self.api_key = self.admin_api_key = ""
        self.account_id = self.netting_account_id = 0

    @property
    def mariadb(self) -> PrivateMariaDB:
        """The MariaDB server of its database."""
        assert self._mariadb is not None, "this gateway runs on SQLite"
        return self._mariadb

    def start(self, *, copies_schema: bool = True) -> None:
        """Start everything and wait until it is ready.

        A copied schema saves the migrations of a new database; without it the folder, or the
        database, is empty, as a user's is.
        """
        if copies_schema:
            asyncio.run(create_schema(self.dsn))
        if self._workers is None:
            self._supervisor = self._spawn("up")
            first_run_result = wait_until(
                self._first_run, READY_SECONDS_MAX, "first-run.json is written"
            )
        else:
            from oms.cli.first_run import first_run

            first_run_result = asyncio.run(first_run(self._settings()))
            self._api = self._spawn("api")
            for _ in range(self._workers):
                self.start_worker()
            if self._worker_host is not None:
                self.start_on_host(self._worker_host, "worker")
            if self.environment["OMS_RUNNER_ENABLED"] == "on":
                self.start_runner("runner")
        self._set_first_run(first_run_result)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until /readyz succeeds."""
        try:
            wait_until(self._is_ready, READY_SECONDS_MAX, f"{self.base_url} is ready")
        except AssertionError as timeout:
            raise AssertionError(f"{timeout}\n{self.log_tail()}") from None

    def stop(self) -> None:
        """End all processes started here."""
        for _, process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for _, process in self._processes:
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS_MAX)

    def start_api(self) -> None:
        """Start the API process again, after it was ended; returns when it is ready."""
        self._api = self._spawn("api")
        self.wait_until_ready()

    def start_worker(self) -> int:
        """Start another worker process; returns its pid."""
        return self._spawn("worker").pid

    def start_on_host(self, host: str, role: str, **environment: str) -> int:
        """Start a process that shares nothing but the database with those of other hosts.

        Returns its pid.
        """
        folder = self.folder / host
        own = {"OMS_NOTIFIER_DIR": str(folder), **environment}
        return self._spawn(role, environment=own).pid

    def start_runner(self, name: str) -> int:
        """Start a runner process beside; returns its pid."""
        return self._spawn("runner", "--name", name).pid

    def worker_pids(self) -> list[int]:
        """Pids of the live workers."""
        return self._pids("worker")

    def api_pids(self) -> list[int]:
        """Pids of the live API processes."""
        return self._pids("api")

    @property
    def supervisor(self) -> OmsProcess:
        """The ``oms up`` process."""
        assert self._supervisor is not None, "this gateway has no supervisor"
        return self._supervisor

    def pid(self, role: str) -> int:
        """The pid of the only live process of that role."""
        (pid,) = wait_until(lambda: self._pids(role), READY_SECONDS_MAX, f"a live {role}")
        return pid

    def kill(self, role: str) -> int:
        """SIGKILL the only process of that role (a supervisor restarts it); returns its pid."""
        pid = self.pid(role)
        os.kill(pid, signal.SIGKILL)
        return pid

    def terminate(self, role: str) -> None:
        """SIGTERM the only process of that role, started here, and wait for its end."""
        pid = self.pid(role)
        (process,) = (each for _, each in self._processes if each.pid == pid)
        process.terminate()
        process.wait(STOP_SECONDS_MAX)

    def pid_of_owner(self, owner: str) -> int:
        """The pid of the worker that is the lease owner ``owner``."""
        ((status,),) = fetch_rows(
            self.dsn, f"SELECT status_json FROM workers WHERE worker_id = '{owner}'"
        )
        return int(json.loads(status)["pid"])

    def add_accounts(
        self, count: int, *, position_mode: str, extra_config: str = "{}"
    ) -> list[int]:
        """Adds paper accounts that the trader's key may trade; returns their ids."""
        return asyncio.run(self._create_accounts(count, position_mode, extra_config))

    def add_candles(
        self,
        symbol: str,
        series: Mapping[Timeframe, Sequence[Candle]],
        *,
        exchange: str = "example",
        tick: str = "0.01",
    ) -> None:
        """Stores an instrument with closed candles, without a process of its own."""
        asyncio.run(self._store_candles(exchange, symbol, series, tick))

    def add_key(self, **flags: str) -> str:
        """Creates a key of the trader by the command line."""
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        users = fetch_rows(self.dsn, "SELECT id FROM users WHERE name = 'trader'")
        return str(self.oms("create-api-key", f"--user-id={users[0][0]}", *arguments)["api_key"])

    def verify(self) -> Any:
        """The result of ``oms verify``."""
        return self.oms("verify", statuses=(0, 7))

    def oms(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> Any:
        """Runs one ``oms`` command; returns its JSON output."""
        done = run_oms(
            *arguments,
            "--json",
            environment=self.environment,
            folder=self.folder,
            seconds_max=COMMAND_SECONDS_MAX,
        )
        assert done.returncode in statuses, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of the output of all processes."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    async def _store_candles(
        self, exchange: str, symbol: str, series: Mapping[Timeframe, Sequence[Candle]], tick: str
    ) -> None:
        base, quote = symbol.split(":")[0].split("/")
        async with bootstrap.open_store(self._settings()) as store:
            instrument = await store.instruments.find(exchange, symbol)
            if instrument is None:
                instrument = await store.instruments.add(
                    MarketInstrument(
                        id=0,
                        exchange=exchange,
                        symbol=symbol,
                        base=base,
                        quote=quote,
                        price_tick=Decimal(tick),
                    ),
                    cli_audit_context(),
                )
            for timeframe, candles in series.items():
                await store_candles(
                    store.candles,
                    CandleSeries(instrument_id=instrument.id, timeframe=timeframe),
                    candles,
                    CandleSource.FILE,
                    datetime.now(UTC),
                )

    async def _create_accounts(
        self, count: int, position_mode: str, extra_config: str
    ) -> list[int]:
        async with bootstrap.open_store(self._settings()) as store:
            administer = bootstrap.build_administer(self._settings(), store)
            trader, _ = await administer.ensure_user("trader", "trader", cli_audit_context())
            requests = [
                Namespace(
                    exchange_id="paper.binance",
                    label=f"test-{position_mode}-{os.urandom(4).hex()}",
                    position_mode=position_mode,
                    testnet=False,
                    extra_config=extra_config,
                )
                for _ in range(count)
            ]
            ids = [
                (await create_granted_account(administer, each, trader.id, FULL_GRANT)).id
                for each in requests
            ]
        leased = f"SELECT COUNT(*) FROM account_leases WHERE owner <> '' AND account_id >= {ids[0]}"
        wait_until(
            lambda: fetch_rows(self.dsn, leased)[0][0] >= count, 60, "the accounts are leased"
        )
        wait_until(lambda: self._grants() >= set(ids), 60, "the key has access to the accounts")
        return ids

    def _grants(self) -> set[int]:
        status, body, _ = call(self, "GET", "/oms/accounts")
        return {row["account_id"] for row in body["items"]} if status == 200 else set()

    def _settings(self) -> Settings:
        return Settings(home=self.data_folder, database_url=self.dsn, port=self.port)

    def _set_first_run(self, first_run_result: Mapping[str, Any]) -> None:
        """Take keys and accounts from the result of the first run."""
        self.api_key, self.admin_api_key = (
            first_run_result["api_key"],
            first_run_result["admin_api_key"],
        )
        self.account_id = first_run_result["accounts"]["hedge"]
        self.netting_account_id = first_run_result["accounts"]["netting"]

    def _spawn(
        self, role: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> OmsProcess:
        self.folder.mkdir(parents=True, exist_ok=True)
        process = start_oms(
            role,
            *arguments,
            environment=self.environment | dict(environment or {}),
            folder=self.folder,
            log=self.log,
            has_session=self._has_session,
            is_forked=self._is_forked,
        )
        self._processes.append((role, process))
        return process

    def _pids(self, role: str) -> list[int]:
        if self._supervisor is None:
            return [p.pid for name, p in self._processes if name == role and p.poll() is None]
        pid = self._supervisor.pid
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(each) for each in text.split() if role in _arguments(int(each))[3:4]]

    def _first_run(self) -> dict[str, Any] | None:
        assert self._supervisor is not None
        assert self._supervisor.poll() is None, self.log_tail()
        path = self.data_folder / "first-run.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _is_ready(self) -> bool:
        started = self._supervisor or self._api
        assert started is None or started.poll() is None, "the process ended"
        try:
            return call(self, "GET", "/readyz", seconds=2)[0] == 200
        except (OSError, ValueError):
            return False


@contextmanager
def run_gateway(gateway: Running) -> Iterator[Running]:
    """Run a gateway for the duration of the block."""
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.stop()


def _arguments(pid: int) -> list[str]:
    """The command line of a process; empty if it has ended."""
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.decode().split("\0")
