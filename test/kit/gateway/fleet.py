"""Several API processes and workers on one database, or on the nodes of a cluster.

Every process has a slot, in which it can be killed, stopped and restarted; a slot uses one node of
the database. Only processes started here are signalled.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import fetch_rows
from kit.free_ports import free_port
from kit.gateway.oms_process import OmsProcess
from kit.gateway.processes import READY_SECONDS_MAX, STOP_SECONDS_MAX, Gateway
from kit.http.client import call
from kit.polling import wait_until


@dataclass(slots=True, kw_only=True, eq=False)
class ProcessSlot:
    """One slot of the fleet, with its current process."""

    role: str
    number: int
    dsn: str
    port: int = 0
    #: Number of processes started in this slot; part of the name of a worker.
    generation: int = 0
    process: OmsProcess | None = None
    #: Address and key for calls.
    base_url: str = ""
    api_key: str = ""

    @property
    def owner(self) -> str:
        """The lease owner name of the worker."""
        return f"w{self.number}-{self.generation}"

    @property
    def pid(self) -> int:
        """The pid of the process started last."""
        assert self.process is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        os.kill(self.pid, number)

    def is_ready(self) -> bool:
        """Whether /readyz of the API succeeds."""
        try:
            return call(self, "GET", "/readyz", seconds=2)[0] == 200
        except (OSError, ValueError):
            return False


class Fleet(Gateway):
    """``apis`` and ``workers`` slots, assigned to ``dsns`` round-robin."""

    def __init__(
        self,
        folder: Path,
        *,
        dsns: Sequence[str],
        apis: int = 2,
        workers: int = 3,
        mariadb: PrivateMariaDB | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            folder, dsn=dsns[0], mariadb=mariadb, workers=workers, environment=environment
        )
        self.dsns = dsns
        self.apis = [self._slot("api", number) for number in range(apis)]
        self.workers = [self._slot("worker", number) for number in range(workers)]

    @property
    def urls(self) -> list[str]:
        """The addresses of all API processes."""
        return [slot.base_url for slot in self.apis]

    def start(self) -> None:
        """Start everything and wait until every API is ready."""
        from oms.cli.first_run import first_run

        if len(self.dsns) == 1:  # The nodes of a cluster are migrated as those of a user.
            asyncio.run(create_schema(self.dsn))
        self._set_first_run(asyncio.run(first_run(self._settings())))
        for slot in self.apis:
            slot.port = self.port if slot.number == 0 else free_port()
            slot.base_url = f"http://127.0.0.1:{slot.port}"
            slot.api_key = self.api_key
        for slot in (*self.apis, *self.workers):
            self.start_process(slot)
        for slot in self.apis:
            self.wait_ready(slot)

    def start_process(self, slot: ProcessSlot, *, keeps_name: bool = False) -> None:
        """Start a process in the slot; with ``keeps_name`` under the name of its predecessor."""
        if not keeps_name:
            slot.generation += 1
        environment = self.slot_environment(slot)
        if slot.role == "api":
            environment["OMS_PORT"] = str(slot.port)
            slot.process = self._spawn("api", environment=environment)
        else:
            slot.process = self._spawn("worker", "--name", slot.owner, environment=environment)

    def slot_environment(self, slot: ProcessSlot) -> dict[str, str]:
        """What the processes of a slot have beside the environment of all."""
        return {"OMS_DATABASE_URL": slot.dsn}

    def wait_ready(self, slot: ProcessSlot) -> None:
        """Wait until the API of the slot is ready."""
        try:
            wait_until(slot.is_ready, READY_SECONDS_MAX, f"{slot.base_url} is ready")
        except AssertionError as timeout:
            raise AssertionError(f"{timeout}\n{self.log_tail()}") from None

    def kill_process(self, slot: ProcessSlot) -> None:
        """SIGKILL; returns when the process has ended."""
        slot.signal(signal.SIGKILL)
        assert slot.process is not None
        slot.process.wait(STOP_SECONDS_MAX)

    def lease_counts(self) -> dict[str, int]:
        """Number of live account leases per owner."""
        query = (
            "SELECT owner, COUNT(*) FROM account_leases WHERE owner <> '' AND account_id > 0"
            " AND expires_at > UTC_TIMESTAMP(6) GROUP BY owner"
        )
        return dict(fetch_rows(self.dsn, query))

    def queued_for(self, slot: ProcessSlot) -> int:
        """Number of queued commands of the accounts leased by the worker of the slot."""
        query = (
            "SELECT COUNT(*) FROM oms_commands c JOIN account_leases l USING (account_id)"
            f" WHERE c.status = 'queued' AND l.owner = '{slot.owner}'"
        )
        ((count,),) = fetch_rows(self.dsn, query)
        return int(count)

    def _slot(self, role: str, number: int) -> ProcessSlot:
        return ProcessSlot(role=role, number=number, dsn=self.dsns[number % len(self.dsns)])
