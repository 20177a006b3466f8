"""The systems under test: the gateway on either database, and the naive reference.

Each is one API process and one worker process with fresh tables and the same number of accounts.
"""

import os
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
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
"""One key does the work of all clients here."""


class Server(Protocol):
    """The MariaDB that all share: root without a password on 127.0.0.1."""

    @property
    def port(self) -> int: ...

    @property
    def pid(self) -> int | None:
        """None when it was started by somebody else."""
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
        books: LedgerChecks,
        server: Server | None,
        database_url: str = "",
    ) -> None:
        self.name = name
        self.database_url = database_url
        self.target = target
        self.books = books
        self._api = api
        self._worker = worker
        self._server = server

    def start(self) -> None:
        """Start both processes and prove that one order goes round."""
        self._api.start()
        self._worker.start()
        await_condition(self._is_listening, seconds=READY_SECONDS, what=f"{self.name}: no answer")
        self._prove()

    def stop(self) -> None:
        self._worker.stop()
        self._api.stop()

    def roles(self) -> Mapping[str, int]:
        """Root pid of each process whose CPU is told apart."""
        roles = {"api": self._api.pid, "worker": self._worker.pid}
        if self._server is not None and self._server.pid is not None:
            roles["database"] = self._server.pid
        return roles

    def kill_worker(self) -> None:
        self._worker.kill()

    def start_worker(self) -> None:
        self._worker.start()

    def demand_alive(self) -> None:
        self._api.demand_alive()
        self._worker.demand_alive()

    def drain(self) -> None:
        """Wait until no command is in flight."""
        await_condition(
            lambda: self.books.tally().unfinished == 0,
            seconds=30,
            what=f"{self.name}: commands stay in flight; its worker says:\n"
            f"{self._worker.log_tail()}",
        )

    def settle(self) -> None:
        """Wait until no command arrives any more: wrk leaves requests behind in the sockets."""
        seen = self.books.tally()
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < SETTLED_SECONDS:
            time.sleep(0.05)
            now = self.books.tally()
            if now != seen:
                seen, quiet_since = now, time.monotonic()

    def explain(self) -> str:
        """A refused command in the server's own words, for a run that had errors."""
        status, text = self._send_one()
        return f"{self.name} answers {status} {text[:500]}\n{self._api.log_tail()[-600:]}"

    def _is_listening(self) -> bool:
        self.demand_alive()
        status, _ = http("GET", f"{self.target.base_url}/healthz", timeout=2)
        return status != 0

    def _prove(self) -> None:
        """Buy and sell once on the first account; both must end `done` within the wait."""
        for side in ("buy", "sell"):
            status, text = self._send_one(side)
            if status != 200 or '"done"' not in text:
                raise BenchError(
                    f"{self.name}: a plain market order answers {status} {text[:800]}\n"
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
) -> System:
    """Install oms-gateway on `sqlite` or `mariadb`; nothing runs yet.

    `label` tells several on one database server apart.
    """
    home = folder / f"{label}-{kind}"
    home.mkdir()
    database_name = f"bench_{label}_{os.getpid()}"
    if kind == "sqlite":
        path = home / "oms.sqlite"
        url, database = f"sqlite+aiosqlite:///{path}", sqlite_database(str(path))
    else:
        server.create_database(database_name)
        url = f"mysql+asyncmy://root@127.0.0.1:{server.port}/{database_name}"
        database = mariadb_database("127.0.0.1", server.port, database_name)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OMS_")},
        "OMS_DATABASE_URL": url,
        "OMS_BELL_DIR": str(home),
        **NO_LIMITS,
        **settings,
    }
    api_key, account_ids = _install(environment, home, accounts)
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
            [str(OMS), "api", "--host", "127.0.0.1", "--port", str(port)],
            environment=environment,
            folder=home,
            name="api",
        ),
        worker=Process([str(OMS), "worker"], environment=environment, folder=home, name="worker"),
        books=GatewayChecks(database),
        server=server if kind == "mariadb" else None,
        database_url=url,
    )


def _install(
    environment: Mapping[str, str], home: Path, accounts: int
) -> tuple[str, Sequence[int]]:
    """Schema, a trader and his accounts; returns his key and the ids."""

    def oms(*arguments: str) -> dict[str, Any]:
        return run_json([str(OMS), *arguments], environment=environment, folder=home)

    kind = ("--exchange-id", "paper.binance", "--position-mode", "netting", "--json")
    oms("db", "upgrade")
    made = oms("install", "--admin-name", "admin", "--with-account", "--label", "bench-1", *kind)
    user_id = str(made["user"]["id"])

    def add(number: int) -> int:
        label = f"bench-{number}"
        added = oms("add-account", "--user-id", user_id, "--label", label, *kind)
        return int(added["account_id"])

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        more = list(pool.map(add, range(2, accounts + 1)))
    return made["api_key"]["plain"], [int(made["account"]["id"]), *more]


def naive(*, folder: Path, server: Server, accounts: int, symbol: str, qty: str) -> System:
    """The naive reference on its own database of the same server; nothing runs yet."""
    home = folder / "naive"
    home.mkdir()
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
            folder=home,
            name="naive-api",
        ),
        worker=Process(
            [*command, "worker"], environment=environment, folder=home, name="naive-worker"
        ),
        books=NaiveChecks(mariadb_database("127.0.0.1", server.port, database_name)),
        server=server,
    )
