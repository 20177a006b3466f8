"""Several API processes and workers on one database, or on several nodes of one.

Every process has a place of its own (a *post*) at which it may be killed, stopped and started
anew; it stays at its post's node of the database. Only processes started here are touched.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import fetch_rows
from kit.free_ports import free_port
from kit.gateway.processes import READY_SECONDS_MAX, Gateway
from kit.http.client import call
from kit.polling import wait_until


@dataclass(slots=True, kw_only=True, eq=False)
class ProcessSlot:
    """One place in the fleet."""

    role: str
    number: int
    #: The node of the database at which it works.
    node: int
    dsn: str
    port: int = 0
    #: How often a process was started here; it is part of a worker's name.
    generation: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    #: What calls need: the address and the key.
    base_url: str = ""
    api_key: str = ""

    @property
    def owner(self) -> str:
        """The name under which the worker holds leases."""
        return f"w{self.number}-{self.generation}"

    @property
    def pid(self) -> int:
        """The pid of the process that was started last."""
        assert self.process is not None
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        os.kill(self.pid, number)

    def is_ready(self) -> bool:
        """Whether the API here says that it is ready."""
        try:
            return call(self, "GET", "/readyz", seconds=2)[0] == 200
        except (OSError, ValueError):
            return False


class Fleet(Gateway):
    """``apis`` and ``workers`` posts, dealt to ``dsns`` in turn."""

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
        self.apis = [self._post("api", number) for number in range(apis)]
        self.workers = [self._post("worker", number) for number in range(workers)]

    @property
    def urls(self) -> list[str]:
        """The addresses of all API processes."""
        return [post.base_url for post in self.apis]

    def start(self) -> None:
        """Start everything and wait until every API is ready."""
        from oms.cli.first_run import first_run

        self._learn(asyncio.run(first_run(self._settings())))
        for post in self.apis:
            post.port = self.port if post.number == 0 else free_port()
            post.base_url = f"http://127.0.0.1:{post.port}"
            post.api_key = self.api_key
        for post in (*self.apis, *self.workers):
            self.start_process(post)
        for post in self.apis:
            self.wait_for(post)

    def start_process(self, post: ProcessSlot, *, keeps_name: bool = False) -> None:
        """Start a process at the post; ``inherits``: under the name of the one before it."""
        if not keeps_name:
            post.generation += 1
        place = {"OMS_DATABASE_URL": post.dsn}
        if post.role == "api":
            place["OMS_PORT"] = str(post.port)
            post.process = self._spawn("api", environment=place)
        else:
            post.process = self._spawn("worker", "--name", post.owner, environment=place)

    def at_node(self, node: int) -> list[ProcessSlot]:
        """The posts whose processes work at one node of the database."""
        return [post for post in (*self.apis, *self.workers) if post.node == node]

    def wait_for(self, post: ProcessSlot) -> None:
        """Wait until the API at the post is ready."""
        try:
            wait_until(post.is_ready, READY_SECONDS_MAX, f"{post.base_url} is ready")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log_tail()}") from None

    def end(self, post: ProcessSlot) -> None:
        """SIGKILL; returns when the process is gone."""
        post.signal(signal.SIGKILL)
        assert post.process is not None
        post.process.wait()

    def lease_counts(self, dsn: str | None = None) -> dict[str, int]:
        """How many accounts each owner holds now, by a node that lives."""
        held = (
            "SELECT owner, COUNT(*) FROM account_leases WHERE owner <> '' AND account_id > 0"
            " AND expires_at > UTC_TIMESTAMP(6) GROUP BY owner"
        )
        return dict(fetch_rows(dsn or self.dsn, held))

    def queued_for(self, post: ProcessSlot) -> int:
        """Commands that wait in the queues of the accounts that the worker there holds."""
        text = (
            "SELECT COUNT(*) FROM oms_commands c JOIN account_leases l USING (account_id)"
            f" WHERE c.status = 'queued' AND l.owner = '{post.owner}'"
        )
        ((found,),) = fetch_rows(self.dsn, text)
        return int(found)

    def _post(self, role: str, number: int) -> ProcessSlot:
        node = number % len(self.dsns)
        return ProcessSlot(role=role, number=number, node=node, dsn=self.dsns[node])
