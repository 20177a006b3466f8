"""The API of Telegram, which is on the internet, on this machine: reached through a proxy.

Programs that obey ``HTTPS_PROXY`` and ``REQUESTS_CA_BUNDLE`` connect to its real name.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kit.proxies.proxies import Certificate, create_certificate

HOST = "api.telegram.org"


@dataclass
class TelegramApi:
    """A running API; ``messages`` are those that were sent, by path and body."""

    port: int
    certificate: Certificate
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the programs that are to reach it."""
        chain = str(self.certificate.chain)
        return {"HTTPS_PROXY": f"http://127.0.0.1:{self.port}", "REQUESTS_CA_BUNDLE": chain}


@contextmanager
def open_telegram_api(folder: Path) -> Iterator[TelegramApi]:
    """Run the API; its certificate is written into the folder."""
    certificate = create_certificate(folder, host=HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)

    class Connection(BaseHTTPRequestHandler):
        """Opens a tunnel to itself, and answers what is sent through it."""

        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            """Speak TLS with the caller from now on, if it asks for the one known host."""
            self.send_response(200 if self.path == f"{HOST}:443" else 403)
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", 0)  # type: ignore[assignment]
            self.close_connection = False

        def do_POST(self) -> None:
            """Keep the message and answer as the API does."""
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            api.messages.append((self.path, sent))
            answer = json.dumps({"ok": True, "result": {"message_id": len(api.messages)}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def finish(self) -> None:
            """Close the connection, whose socket TLS has replaced."""
            super().finish()
            self.connection.close()

        def log_message(self, format: str, *arguments: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Connection)
    server.daemon_threads = True
    api = TelegramApi(port=server.server_port, certificate=certificate)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
