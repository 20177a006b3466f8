"""HAProxy of Debian's package between clients and a Galera cluster, configured as in ``deploy``.

What is replaced in the configuration: addresses of the nodes, ports and the socket of its
administrator. Only processes started here are ended, by pid.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kit.free_ports import free_port
from kit.polling import wait_until
from kit.private_server import PrivateServer
from kit.text_replacement import replaced

ROOT = Path(__file__).parents[3]
DEBIAN = ROOT / "build/debian"
CONFIGURATION = ROOT / "deploy/haproxy/oms-database.cfg"
PROGRAM = DEBIAN / "haproxy/usr/sbin/haproxy"
#: Unpacked beside it: libraries that the package depends on.
LIBRARIES = ("liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")
#: Makes the user of its checks.
USERS = ROOT / "deploy/galera/users.sql"
WRITES, READS = "database_writes", "database_reads"
START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 10.0


class HaProxy(PrivateServer):
    """One proxy in front of nodes on ``node_ports``; ports stay the same over restarts."""

    def __init__(self, folder: Path, node_ports: Sequence[int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.write_port, self.read_port = free_port(), free_port()
        self._nodes = [f"node{number}" for number in range(1, len(node_ports) + 1)]
        self._socket = folder / "s"
        self._log = folder / "haproxy.log"
        self._file = folder / "haproxy.cfg"
        addresses = {
            f" {name}:3306": f" 127.0.0.1:{port}"
            for name, port in zip(self._nodes, node_ports, strict=True)
        }
        text = replaced(
            CONFIGURATION.read_text(encoding="utf-8"),
            {
                "/run/haproxy/oms.sock": str(self._socket),
                '"${OMS_HAPROXY_ADDRESS}:3306"': f"127.0.0.1:{self.write_port}",
                '"${OMS_HAPROXY_ADDRESS}:3307"': f"127.0.0.1:{self.read_port}",
                **addresses,
            },
        )
        self._file.write_text(text, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def dsn(self, database: str, *, for_reads: bool = False) -> str:
        """The URL of a database through the proxy."""
        port = self.read_port if for_reads else self.write_port
        return f"mysql+asyncmy://root@127.0.0.1:{port}/{database}"

    def start(self) -> None:
        """Start the proxy, and wait until it accepts connections."""
        folders = [path for name in LIBRARIES for path in (DEBIAN / name / "usr/lib").glob("*")]
        environment = os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(map(str, folders))}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(PROGRAM), "-db", "-f", str(self._file)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._listens, START_SECONDS_MAX, f"HAProxy listens: {self._log}")

    def kill(self) -> None:
        """End the proxy at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)
            self._process = None

    def close(self) -> None:
        """End the proxy."""
        self.kill()

    def pause(self) -> None:
        """Let the proxy forward nothing, with its connections open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        self._signal(signal.SIGCONT)

    def refuse_clients(self) -> None:
        """Cut off the clients: close their connections and accept no new ones."""
        for name in (WRITES, READS):
            self.command(f"disable frontend {name}")
        self._shut_down_sessions()

    def accept_clients(self) -> None:
        """Accept connections again."""
        for name in (WRITES, READS):
            self.command(f"enable frontend {name}")

    def leave_nodes(self) -> None:
        """Cut off the nodes: connections are accepted, and closed without a server."""
        for node in self._nodes:
            self.command(f"set server writer/{node} state maint")
        self._shut_down_sessions()

    def use_nodes(self) -> None:
        """Use the nodes again."""
        for node in self._nodes:
            self.command(f"set server writer/{node} state ready")

    def writer(self) -> int | None:
        """The index of the node with most connections for writes; ``None`` without any."""
        head, *lines = self.command("show stat").strip().splitlines()
        names = head.removeprefix("# ").split(",")
        rows = [dict(zip(names, line.split(","), strict=False)) for line in lines]
        sessions = {row["svname"]: int(row["scur"]) for row in rows if row["pxname"] == "writer"}
        counts = [sessions[node] for node in self._nodes]
        return counts.index(max(counts)) if any(counts) else None

    def command(self, text: str) -> str:
        """The answer of the administrator's socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self._socket))
            connection.sendall(text.encode() + b"\n")
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()

    def _shut_down_sessions(self) -> None:
        for backend in ("writer", "readers"):
            for node in self._nodes:
                self.command(f"shutdown sessions server {backend}/{node}")

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _listens(self) -> bool:
        assert self._process is not None
        status = self._process.poll()
        assert status is None, f"HAProxy ended with {status}: {self._log.read_text()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.write_port)) == 0
