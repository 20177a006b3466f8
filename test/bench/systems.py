"""The systems under test: the gateway on either database, and the naive reference.

Each is one API process and one worker process with fresh tables and the same number of accounts.
"""

import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from bench.checks import GatewayChecks, LedgerChecks, NaiveChecks, mariadb_database, sqlite_database
from bench.load import Target
from bench.processes import BenchError, Process, await_condition, http, run_json
from kit.free_ports import free_port

OMS = Path(sys.executable).with_name("oms")
NAIVE = Path(__file__).with_name("naive") / "app.py"
READY_SECONDS = 30.0
SETTLED_SECONDS = 0.3

NO_LIMITS = {
    f"OMS_LIMITS_{kind}_PER_SECOND": "100000000" for kind in ("READ", "TRADE", "CANCEL", "CCXT")
}
"""All clients of the bench use one key."""


class Server(Protocol):
    """The shared MariaDB: root without a password on 127.0.0.1."""

    @property
    def port(self) -> int: ...

    @property
    def pid(self) -> int | None:
        """``None`` for an external server."""
        ...

    def create_database(self, name: str) -> None: ...


class System:
    """One API and one worker over one database."""

    def __init__(
        self,
        name: str,
        *,
        target: Target,
        api: Process,
        worker: Process,
        checks: LedgerChecks,
        server: Server | None,
        database_url: str = "",
        run_command: Callable[..., dict[str, Any]] | None = None,
        more_workers: Callable[[int], Process] | None = None,
    ) -> None:
        self.name = name
        self.database_url = database_url
        self.target = target
        self.checks = checks
        self._api = api
        self._worker = worker
        self._server = server
        self._run_command = run_command
        self._more_workers = more_workers
        self._further: list[Process] = []

    def create_key(self, role: str) -> str:
        """Return a new key of a new user with that role. Raises BenchError."""
        if self._run_command is None:
            raise BenchError(f"{self.name} has no users")
        user = self._run_command("create-user", "--name", f"bench-{role}", "--role", role, "--json")
        key = self._run_command("create-api-key", "--user-id", str(user["user_id"]), "--json")
        return str(key["api_key"])

    def start(self) -> None:
        """Starts both processes and checks that an order is executed."""
        self._api.start()
        self._worker.start()
        await_condition(self._is_listening, seconds=READY_SECONDS, what=f"{self.name}: no response")
        self._check_orders()

    def stop(self) -> None:
        self.set_worker_count(1)
        self._worker.stop()
        self._api.stop()

    def set_worker_count(self, count: int) -> None:
        """Start or stop workers beside the first. Raises BenchError where there is one only."""
        while len(self._further) > count - 1:
            self._further.pop().stop()
        while len(self._further) < count - 1:
            if self._more_workers is None:
                raise BenchError(f"{self.name} has one worker")
            process = self._more_workers(len(self._further) + 2)
            process.start()
            self._further.append(process)

    def roles(self) -> Mapping[str, int]:
        """Returns the root pid of each process whose CPU is measured."""
        roles = {"api": self._api.pid, "worker": self._worker.pid}
        for number, process in enumerate(self._further, 2):
            roles[f"worker {number}"] = process.pid
        if self._server is not None and self._server.pid is not None:
            roles["database"] = self._server.pid
        return roles

    def kill_worker(self) -> None:
        self._worker.kill()

    def start_worker(self) -> None:
        self._worker.start()

    def require_alive(self) -> None:
        self._api.require_alive()
        self._worker.require_alive()

    def drain(self) -> None:
        """Waits until no command is in flight."""
        await_condition(
            lambda: self.checks.command_counts().unfinished == 0,
            seconds=30,
            what=f"{self.name}: commands stay in flight; log of its worker:\n"
            f"{self._worker.log_tail()}",
        )

    def settle(self) -> None:
        """Waits until no command arrives any more: wrk leaves requests in the sockets."""
        counts = self.checks.command_counts()
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < SETTLED_SECONDS:
            time.sleep(0.05)
            current = self.checks.command_counts()
            if current != counts:
                counts, quiet_since = current, time.monotonic()

    def explain(self) -> str:
        """Returns the response to a single command, for a run that had errors."""
        status, text = self._send_one()
        return f"{self.name} returned {status} {text[:500]}\n{self._api.log_tail()[-600:]}"

    def _is_listening(self) -> bool:
        self.require_alive()
        status, _ = http("GET", f"{self.target.base_url}/healthz", timeout=2)
        return status != 0

    def _check_orders(self) -> None:
        """Buys and sells once on the first account. Raises ``BenchError`` unless both are done."""
        for side in ("buy", "sell"):
            status, text = self._send_one(side)
            if status != 200 or '"done"' not in text:
                raise BenchError(
                    f"{self.name}: a market order returned {status} {text[:800]}\n"
                    f"api: {self._api.log_tail()}\nworker: {self._worker.log_tail()}"
                )

    def _send_one(self, side: str = "buy") -> tuple[int, str]:
        payload = {
            "symbol": self.target.symbol,
            "side": side,
            "order_type": "market",
            "qty": self.target.qty,
        }
        body = {
            "account_id": self.target.accounts[0],
            "request_id": f"probe-{uuid.uuid4()}",
            "command": "send_order",
            "payload": payload,
        }
        url = f"{self.target.base_url}/oms/commands"
        return http("POST", url, api_key=self.target.api_key, body=body, timeout=30)


def gateway(
    kind: str,
    *,
    folder: Path,
    server: Server,
    accounts: int,
    symbol: str,
    qty: str,
    settings: Mapping[str, str],
    label: str = "gateway",
    oms: Path = OMS,
) -> System:
    """Installs oms-gateway on `sqlite` or `mariadb` without starting it.

    `label` distinguishes several gateways on one database server; `oms` is the executable.
    """
    system_folder = folder / f"{label}-{kind}"
    system_folder.mkdir()
    database_name = f"bench_{label}_{os.getpid()}"
    if kind == "sqlite":
        path = system_folder / "oms.sqlite"
        url, database = f"sqlite+aiosqlite:///{path}", sqlite_database(str(path))
    else:
        server.create_database(database_name)
        url = f"mysql+asyncmy://root@127.0.0.1:{server.port}/{database_name}"
        database = mariadb_database("127.0.0.1", server.port, database_name)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OMS_")},
        "OMS_DATABASE_URL": url,
        "OMS_NOTIFIER_DIR": str(system_folder),
        **NO_LIMITS,
        **settings,
    }

    def run_command(*arguments: str) -> dict[str, Any]:
        return run_json([str(oms), *arguments], environment=environment, folder=system_folder)

    def worker(name: str) -> Process:
        command = [str(oms), "worker"]
        return Process(command, environment=environment, folder=system_folder, name=name)

    api_key, account_ids = _install(run_command, accounts)
    port = free_port()
    return System(
        f"{label}/{kind}",
        target=Target(
            base_url=f"http://127.0.0.1:{port}",
            api_key=api_key,
            accounts=account_ids,
            symbol=symbol,
            qty=qty,
        ),
        api=Process(
            [str(oms), "api", "--host", "127.0.0.1", "--port", str(port)],
            environment=environment,
            folder=system_folder,
            name="api",
        ),
        worker=worker("worker"),
        checks=GatewayChecks(database),
        server=server if kind == "mariadb" else None,
        database_url=url,
        run_command=run_command,
        more_workers=lambda number: worker(f"worker-{number}"),
    )


def _install(run: Callable[..., dict[str, Any]], accounts: int) -> tuple[str, Sequence[int]]:
    """Installs the schema, a trader and accounts; returns the key and the account ids."""
    kind = ("--exchange-id", "paper.binance", "--position-mode", "netting", "--json")
    run("db", "upgrade")
    installed = run(
        "install", "--admin-name", "admin", "--with-account", "--label", "bench-1", *kind
    )
    user_id = str(installed["user"]["id"])

    def add(number: int) -> int:
        label = f"bench-{number}"
        added = run("add-account", "--user-id", user_id, "--label", label, *kind)
        return int(added["account_id"])

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        more = list(pool.map(add, range(2, accounts + 1)))
    return installed["api_key"]["plain"], [int(installed["account"]["id"]), *more]


def naive(*, folder: Path, server: Server, accounts: int, symbol: str, qty: str) -> System:
    """Installs the naive reference on its own database of the same server."""
    system_folder = folder / "naive"
    system_folder.mkdir()
    database_name, api_key, port = f"bench_naive_{os.getpid()}", "naive-bench-key", free_port()
    server.create_database(database_name)
    environment = {
        **os.environ,
        "NAIVE_HOST": "127.0.0.1",
        "NAIVE_PORT": str(server.port),
        "NAIVE_DATABASE": database_name,
        "NAIVE_API_KEY": api_key,
    }
    command = [sys.executable, str(NAIVE)]
    return System(
        "naive",
        target=Target(
            base_url=f"http://127.0.0.1:{port}",
            api_key=api_key,
            accounts=range(1, accounts + 1),
            symbol=symbol,
            qty=qty,
        ),
        api=Process(
            [*command, "api", "--port", str(port)],
            environment=environment,
            folder=system_folder,
            name="naive-api",
        ),
        worker=Process(
            [*command, "worker"], environment=environment, folder=system_folder, name="naive-worker"
        ),
        checks=NaiveChecks(mariadb_database("127.0.0.1", server.port, database_name)),
        server=server,
    )
