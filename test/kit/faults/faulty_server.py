"""An HTTP server on 127.0.0.1 that misbehaves on demand and records its requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kit.http.threaded_server import serve_in_thread

#: What to do with a request. ``answer``: respond. ``leave``: respond, then close the connection
#: without a header that says so. ``drop``: close without a response. ``hang``: never respond.
BEHAVIOURS = frozenset({"answer", "leave", "drop", "hang"})


@dataclass(slots=True)
class FaultyServer:
    """The next behaviours of the server, its response, and the requests so far."""

    behaviours: list[str] = field(default_factory=list)
    status: int = 200
    body: bytes = b'{"ok": true, "result": 5}'
    headers: dict[str, str] = field(default_factory=dict)
    #: (number of the connection, method, path, JSON body) of every request.
    requests: list[tuple[int, str, str, Any]] = field(default_factory=list)
    connections: int = 0
    base_url: str = ""
    #: Set when a connection was closed after ``leave`` or ``drop``.
    closed_silently: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def next_behaviour(self) -> str:
        """The behaviour for the current request; ``answer`` by default."""
        behaviour = self.behaviours.pop(0) if self.behaviours else "answer"
        assert behaviour in BEHAVIOURS, behaviour
        return behaviour


class _OneConnection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: FaultyServer

    def setup(self) -> None:
        super().setup()
        self.server_state.connections += 1
        self.number = self.server_state.connections

    def log_message(self, *args: Any) -> None:
        """Suppresses the log."""

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        payload = json.loads(self.rfile.read(length)) if length else None
        self.server_state.requests.append((self.number, self.command, self.path, payload))
        behaviour = self.server_state.next_behaviour()
        if behaviour == "hang":
            self.server_state.ended.wait()
        self.close_connection = behaviour != "answer"
        if behaviour in ("answer", "leave"):
            self.send_response(self.server_state.status)
            for name, value in self.server_state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(self.server_state.body)))
            self.end_headers()
            self.wfile.write(self.server_state.body)

    do_POST = do_GET


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    server_state: FaultyServer

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.server_state.closed_silently.set()


@contextmanager
def run_faulty_server() -> Iterator[FaultyServer]:
    """A server that runs for the duration of the block."""
    server_state = FaultyServer()
    connection = type("OneConnection", (_OneConnection,), {"server_state": server_state})
    server = _Server(("127.0.0.1", 0), connection)
    server.server_state = server_state
    with serve_in_thread(server) as server_state.base_url:
        try:
            yield server_state
        finally:
            server_state.ended.set()
