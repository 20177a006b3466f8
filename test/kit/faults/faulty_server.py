"""An HTTP server on 127.0.0.1 that behaves oddly on demand, and keeps what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What to do with a request. ``answer``: properly. ``leave``: answer, then close without a word.
#: ``drop``: close instead of an answer. ``hang``: no answer before the server ends.
BEHAVIOURS = frozenset({"answer", "leave", "drop", "hang"})


@dataclass(slots=True)
class FaultyServer:
    """What the server does next and what it was asked so far."""

    behaviours: list[str] = field(default_factory=list)
    status: int = 200
    body: bytes = b'{"ok": true, "result": 5}'
    headers: dict[str, str] = field(default_factory=dict)
    #: (number of the connection, method, path, JSON body) of every request.
    requests: list[tuple[int, str, str, Any]] = field(default_factory=list)
    connections: int = 0
    base_url: str = ""
    #: Set when a connection was closed without a word.
    closed_silently: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def next_behaviour(self) -> str:
        """What to do with this request; ``answer`` when nothing else was wished."""
        way = self.behaviours.pop(0) if self.behaviours else "answer"
        assert way in BEHAVIOURS, way
        return way


class _OneConnection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    odd: FaultyServer

    def setup(self) -> None:
        super().setup()
        self.odd.connections += 1
        self.number = self.odd.connections

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        payload = json.loads(self.rfile.read(length)) if length else None
        self.odd.requests.append((self.number, self.command, self.path, payload))
        way = self.odd.next_behaviour()
        if way == "hang":
            self.odd.ended.wait()
        self.close_connection = way != "answer"
        if way in ("answer", "leave"):
            self.send_response(self.odd.status)
            for name, value in self.odd.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(self.odd.body)))
            self.end_headers()
            self.wfile.write(self.odd.body)

    do_POST = do_GET


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    odd: FaultyServer

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.odd.closed_silently.set()


@contextmanager
def run_faulty_server() -> Iterator[FaultyServer]:
    """A server that runs while the block does."""
    odd = FaultyServer()
    connection = type("OneConnection", (_OneConnection,), {"odd": odd})
    with _Server(("127.0.0.1", 0), connection) as server:
        server.odd = odd
        odd.base_url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield odd
        finally:
            odd.ended.set()
            server.shutdown()
            serving.join()
