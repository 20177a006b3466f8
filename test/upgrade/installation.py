"""One installation on which processes of two releases run."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import fetch_rows
from kit.free_ports import free_port
from kit.polling import wait_until

READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 20.0
COMMAND_SECONDS_MAX = 120.0
NO_LIMITS = {
    f"OMS_LIMITS_{kind}_PER_SECOND": "1000000" for kind in ("READ", "TRADE", "CANCEL", "CCXT")
}


class ProofFailed(Exception):
    """The two releases do not work side by side, or the proof could not run."""


@dataclass(frozen=True, slots=True)
class Release:
    """The code of one release."""

    name: str
    checkout: Path


def extract_release(checkout: Path, commit: str, folder: Path) -> Release:
    """Writes the code of a commit into a folder. Raises ProofFailed if git does not have it."""
    done = subprocess.run(
        ["git", "-C", str(checkout), "archive", commit, "apps"], capture_output=True, check=False
    )
    if done.returncode:
        raise ProofFailed(f"{commit} is not in this clone: {done.stderr.decode().strip()}")
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Release("old", folder)


class Installation:
    """A database, accounts, and the running processes by role and release."""

    def __init__(self, folder: Path, server: PrivateMariaDB) -> None:
        self.folder = folder
        server.create_database("upgraded")
        self.dsn = server.dsn("upgraded", "asyncmy")
        self.ports = {"old": free_port(), "new": free_port()}
        self.api_key = ""
        self.accounts: list[int] = []
        self._processes: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
        self._started: defaultdict[tuple[str, str], int] = defaultdict(int)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for role, name in list(self._processes):
            self.end(role, name)

    def install(self, release: Release, accounts: int) -> None:
        """Makes schema, keys and accounts by the commands of a release."""
        kind = ("--exchange-id", "paper.binance", "--position-mode", "netting")
        self.oms(release, "db", "upgrade")
        made = self.oms(release, "install", "--with-account", "--label", "account-1", *kind)
        self.api_key = made["api_key"]["plain"]
        self.accounts = [int(made["account"]["id"])]
        for number in range(2, accounts + 1):
            flags = ("--user-id", str(made["user"]["id"]), "--label", f"account-{number}", *kind)
            self.accounts.append(int(self.oms(release, "add-account", *flags)["account_id"]))

    def upgrade(self, release: Release) -> float:
        """Migrates the schema with that release; returns the seconds that it took."""
        began = time.monotonic()
        self.oms(release, "db", "upgrade")
        return time.monotonic() - began

    def verify(self, release: Release) -> None:
        """Raises ProofFailed unless ``oms verify`` finds nothing."""
        report = self.oms(release, "verify", statuses=(0, 7))
        if not report["ok"]:
            found = [row["findings"][:3] for row in report["accounts"] if row["findings"]]
            raise ProofFailed(f"oms verify: {found}")

    def oms(self, release: Release, *arguments: str, statuses: tuple[int, ...] = (0,)) -> Any:
        """Runs one command of a release; returns its JSON output."""
        done = subprocess.run(
            [sys.executable, "-m", "oms", *arguments, "--json"],
            env=self._environment(release),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode not in statuses:
            raise ProofFailed(f"{release.name}: oms {arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def start(self, release: Release, role: str) -> None:
        """Starts a process of a release; a worker with a name that no other had."""
        key = role, release.name
        self._started[key] += 1
        arguments = [role]
        if role == "worker":
            arguments += ["--name", f"{release.name}-{self._started[key]}"]
        with (self.folder / f"{role}-{release.name}.log").open("ab") as log:
            self._processes[key] = subprocess.Popen(
                [sys.executable, "-m", "oms", *arguments],
                env=self._environment(release),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, role: str, name: str, *, kill: bool = False) -> None:
        """Ends a process by SIGTERM or SIGKILL."""
        process = self._processes.pop((role, name))
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS_MAX)
            raise ProofFailed(f"the {role} of {name} did not end on SIGTERM") from None

    def apis(self) -> list[str]:
        """The releases whose API runs."""
        return [name for role, name in list(self._processes) if role == "api"]

    def url(self, name: str) -> str:
        """The address of a release's API."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def wait_until_ready(self, name: str) -> None:
        """Waits until /readyz of a release's API succeeds."""
        what = f"the API of {name} is ready; logs: {self.folder}"
        wait_until(lambda: self._is_ready(name), READY_SECONDS_MAX, what)

    def require_ready(self, name: str) -> None:
        """Raises ProofFailed unless /readyz of a release's API succeeds."""
        if not self._is_ready(name):
            raise ProofFailed(f"/readyz of {name} failed after the upgrade")

    def _is_ready(self, name: str) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url(name)}/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def schema(self) -> str:
        """The version of the schema."""
        return str(fetch_rows(self.dsn, "SELECT version_num FROM alembic_version")[0][0])

    def owners(self) -> list[str]:
        """The release of the worker that holds each account, in the order of the accounts."""
        rows = fetch_rows(
            self.dsn,
            "SELECT owner FROM account_leases WHERE account_id > 0 ORDER BY account_id",
        )
        return [str(owner).partition("-")[0] for (owner,) in rows]

    def _environment(self, release: Release) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OMS_")}
        return inherited | {
            "PYTHONPATH": str(release.checkout / "apps"),
            "OMS_HOME": str(self.folder / "home"),
            "OMS_DATABASE_URL": self.dsn,
            "OMS_PORT": str(self.ports[release.name]),
            **NO_LIMITS,
        }
