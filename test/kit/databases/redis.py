"""A private Redis server for tests, on a free port of 127.0.0.1 without persistence.

Debian's package ``redis-tools`` has the program under another name and starts no service.
"""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from kit.free_ports import free_port
from kit.private_server import PrivateServer

PROGRAM = "redis-check-rdb"
"""The server, which is one when it is called ``redis-server``."""
START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 10.0
POLL_SECONDS = 0.02
CLIENTS_MAX = 1000


class PrivateRedis(PrivateServer):
    """A server that ``with`` starts and ends by its pid; ``url`` stays the same over restarts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: socket.socket

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        program = shutil.which(PROGRAM)
        if program is None:
            raise RuntimeError("Redis is missing: apt-get install -y redis-tools")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            ["redis-server", *options, "--dir", str(self._folder)],
            executable=program,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(POLL_SECONDS)
        raise RuntimeError(f"Redis did not start on port {self.port}")

    def kill(self) -> None:
        """End the server at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)
            self._process = None

    def refuse_clients(self) -> None:
        """Cut off the clients: close their connections and accept no new ones."""
        self._admin = socket.create_connection(("127.0.0.1", self.port), STOP_SECONDS_MAX)
        for text in (
            "CONFIG SET maxclients 1",
            "CLIENT KILL TYPE normal",
            "CLIENT KILL TYPE pubsub",
        ):
            self._send(text)

    def accept_clients(self) -> None:
        """Accept connections again."""
        self._send(f"CONFIG SET maxclients {CLIENTS_MAX}")
        self._admin.close()

    def _send(self, text: str) -> None:
        """Send a command by the administrator's connection."""
        self._admin.sendall(text.encode() + b"\r\n")
        answer = self._admin.recv(1024)
        assert answer[:1] in b"+:", answer

    def pause(self) -> None:
        """Let the server answer nothing, with its connections open."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the server; it has no files."""
        self.kill()
