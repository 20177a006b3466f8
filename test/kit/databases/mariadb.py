"""A private MariaDB server for tests: its own data folder, its own free port, ended by its own pid.

It is real and durable (`innodb_flush_log_at_trx_commit=1`), so that a test may kill it and look at
what is left. It refuses to use a server that is already running, to be skipped when the binaries
are missing, and to set what the sessions of the product must set themselves (character set, time
zone, isolation).
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pymysql
from pymysql.connections import Connection

from kit.free_ports import free_port

INSTALL_LINE = (
    "DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y"
    " --no-install-recommends mariadb-server-core mariadb-client-core"
)
SOCKET_PATH_CHARS_MAX = 107
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0
POLL_SECONDS = 0.05
LOG_LINES_SHOWN = 30
# A redo log of the default 96 MiB is most of the time it takes to make a data folder.
REDO_LOG_OPTION = "--innodb-log-file-size=32M"


class MariaDBFailed(RuntimeError):
    """The private server could not be made, started or reached; the message carries its log."""


class PrivateMariaDB:
    """One server. `with PrivateMariaDB() as server:` starts it and leaves no trace of it.

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

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises MariaDBFailed when there is none."""
        if self._process is None:
            raise MariaDBFailed("the private MariaDB is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the server and return when it answers; makes its data first. Idempotent."""
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
        self._wait_until_it_answers()

    def stop(self) -> None:
        """SIGTERM, a clean end; SIGKILL after `STOP_SECONDS_MAX`. Idempotent."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, as a crash would end it; returns when the process is gone. Idempotent."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop if running, then start on the same port with the same data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def connect(self, database: str | None = None) -> Connection:
        """A plain synchronous connection as root, autocommit, for a test's own questions."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
        )

    def create_database(self, name: str) -> None:
        """Create an empty database. `name` holds letters, digits and underscores only."""
        self._execute(f"CREATE DATABASE {_checked(name)}")

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists."""
        self._execute(f"DROP DATABASE IF EXISTS {_checked(name)}")

    def dsn(self, name: str, driver: Literal["aiomysql", "asyncmy"] = "aiomysql") -> str:
        """The URL of a database for SQLAlchemy: `mysql+DRIVER://root@127.0.0.1:PORT/NAME`."""
        return f"mysql+{driver}://root@127.0.0.1:{self.port}/{name}"

    def log_tail(self) -> str:
        """The last lines that the installer and the server wrote."""
        if not self._log.exists():
            return "(no log)"
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    def _install(self) -> None:
        command = [
            self._install_binary,
            "--no-defaults",
            "--user=root",
            f"--datadir={self._data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            REDO_LOG_OPTION,
        ]
        with self._log.open("ab") as log:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
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

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self.connect().close()
            except pymysql.err.MySQLError as refused:
                self._give_up_if_ended()
                if time.monotonic() > deadline:
                    raise MariaDBFailed(
                        f"mariadbd does not answer:\n{self.log_tail()}"
                    ) from refused
                time.sleep(POLL_SECONDS)
            else:
                # Somebody else may listen on our port while our own server has died of it.
                self._give_up_if_ended()
                return

    def _give_up_if_ended(self) -> None:
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
    # The server stands in a folder that is not on every user's PATH.
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=places)
    if found is None:
        raise MariaDBFailed(f"{name} is missing; install it as root with:\n  {INSTALL_LINE}")
    return found


def _short_folder() -> Path:
    """A new folder in which a socket path is short enough for the kernel's address structure."""
    folder = Path(tempfile.mkdtemp(prefix="omsdb"))
    if len(str(folder / "s")) < SOCKET_PATH_CHARS_MAX:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="omsdb", dir="/tmp"))


def _checked(name: str) -> str:
    if not name.isascii() or not name.replace("_", "").isalnum():
        raise ValueError(f"not a plain database name: {name!r}")
    return name
