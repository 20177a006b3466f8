"""A private MariaDB server for tests: its own data folder and port, stopped by its pid.

It is durable (`innodb_flush_log_at_trx_commit=1`), so that a test may kill it and check what was
committed. It never uses a running server, fails when the binaries are missing, and leaves character
set, time zone and isolation to the sessions of the product.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pymysql
from pymysql.connections import Connection

from kit.databases.templates import lock_templates, publish
from kit.free_ports import free_port
from kit.private_server import STOP_SECONDS_MAX, PrivateServer, end_process

INSTALL_LINE = (
    "DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y"
    " --no-install-recommends mariadb-server-core mariadb-client-core"
)
SOCKET_PATH_CHARS_MAX = 107
INSTALL_SECONDS_MAX = 120.0
START_SECONDS_MAX = 60.0
#: A node without a quorum, or a lock that is held, would keep a statement for ever.
STATEMENT_SECONDS_MAX = 120
POLL_SECONDS = 0.05
LOG_LINES_SHOWN = 30
# Most of the time to create a data folder goes into the redo log (96 MiB by default).
REDO_LOG_OPTION = "--innodb-log-file-size=32M"


class MariaDBFailed(RuntimeError):
    """The server could not be installed, started or reached; the message ends with its log."""


class PrivateMariaDB(PrivateServer):
    """One server. `with PrivateMariaDB() as server:` starts it; on exit its folder is removed.

    `options` are further arguments of `mariadbd`. Port and data survive `stop`, `kill`, `restart`.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = tuple(options)
        self._environment: dict[str, str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._server_binary = _binary("mariadbd")
        self._install_binary = _binary("mariadb-install-db")
        self._folder = _short_folder()
        self._data = self._folder / "data"
        self._socket = self._folder / "s"
        self._log = self._folder / "log"
        self.port = free_port()

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises MariaDBFailed if it is not running."""
        if self._process is None:
            raise MariaDBFailed("the private MariaDB is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it accepts connections; creates its data. Idempotent."""
        if self._process is not None and self._process.poll() is None:
            return
        if not self._data.exists():
            self._install()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._server_command(),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """SIGTERM; SIGKILL after `STOP_SECONDS_MAX`. Idempotent."""
        end_process(self._process)
        self._process = None

    def kill(self) -> None:
        """SIGKILL, like a crash; returns when the process has ended. Idempotent."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(STOP_SECONDS_MAX)
        self._process = None

    def pause(self) -> None:
        """Let the server answer nothing, with its connections open (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause; the other nodes of a cluster may have evicted the server meanwhile."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Stop if running, then start on the same port with the same data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def connect(self, database: str | None = None) -> Connection:
        """A synchronous autocommit connection as root, for queries of the test itself."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
            read_timeout=STATEMENT_SECONDS_MAX,
            ssl_disabled=True,  # Else each connection reads all certificate authorities.
        )

    def create_database(self, name: str) -> None:
        """Create an empty database. `name` holds letters, digits and underscores only."""
        self._execute(f"CREATE DATABASE {_checked(name)}")

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists."""
        self._execute(f"DROP DATABASE IF EXISTS {_checked(name)}")

    def execute_file(self, path: Path) -> None:
        """Execute the statements of a file, each of which ends with a line."""
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:2] != "--"]
        for statement in "\n".join(lines).split(";\n"):
            self._execute(statement.rstrip(";"))

    def dsn(self, name: str, driver: Literal["aiomysql", "asyncmy"] = "aiomysql") -> str:
        """The URL of a database for SQLAlchemy: `mysql+DRIVER://root@127.0.0.1:PORT/NAME`."""
        return f"mysql+{driver}://root@127.0.0.1:{self.port}/{name}"

    def log_tail(self) -> str:
        """The last `LOG_LINES_SHOWN` lines of installer and server."""
        if not self._log.exists():
            return "(no log)"
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    def _install(self) -> None:
        """Create the data folder: a copy of one that was installed before by this server."""
        binary = os.stat(self._server_binary)
        name = f"data-{binary.st_size}-{binary.st_mtime_ns}"
        with lock_templates() as folder:
            if not (folder / name).exists():
                draft = self._folder / "draft"
                self._install_in(draft)
                publish(draft, folder / name)
            shutil.copytree(folder / name, self._data)

    def _install_in(self, data: Path) -> None:
        command = [
            self._install_binary,
            "--no-defaults",
            "--user=root",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            REDO_LOG_OPTION,
        ]
        with self._log.open("ab") as log:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=INSTALL_SECONDS_MAX,
                check=False,
            )
        if done.returncode != 0:
            raise MariaDBFailed(f"mariadb-install-db failed:\n{self.log_tail()}")

    def _server_command(self) -> list[str]:
        return [
            self._server_binary,
            "--no-defaults",
            "--user=root",
            f"--datadir={self._data}",
            f"--socket={self._socket}",
            f"--pid-file={self._folder / 'pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=1",
            REDO_LOG_OPTION,
            *self._options,
        ]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self.connect().close()
            except pymysql.err.MySQLError as refused:
                self._raise_if_ended()
                if time.monotonic() > deadline:
                    raise MariaDBFailed(
                        f"mariadbd does not accept connections:\n{self.log_tail()}"
                    ) from refused
                time.sleep(POLL_SECONDS)
            else:
                # Another process may listen on the port, which makes our own server exit.
                self._raise_if_ended()
                return

    def _raise_if_ended(self) -> None:
        status = None if self._process is None else self._process.poll()
        if status is not None:
            raise MariaDBFailed(f"mariadbd ended with status {status}:\n{self.log_tail()}")

    def _execute(self, statement: str) -> None:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


def _binary(name: str) -> str:
    # The folder of the server is not on the PATH of every user.
    paths = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    path = shutil.which(name, path=paths)
    if path is None:
        raise MariaDBFailed(f"{name} is missing; install it as root with:\n  {INSTALL_LINE}")
    return path


def _short_folder() -> Path:
    """Creates a folder whose socket path fits into the kernel's address structure."""
    folder = Path(tempfile.mkdtemp(prefix="omsdb"))
    if len(str(folder / "s")) < SOCKET_PATH_CHARS_MAX:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="omsdb", dir="/tmp"))


def _checked(name: str) -> str:
    if not name.isascii() or not name.replace("_", "").isalnum():
        raise ValueError(f"not a plain database name: {name!r}")
    return name
