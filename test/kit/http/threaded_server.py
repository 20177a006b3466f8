"""An HTTP server of the standard library in a thread of the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

STOP_SECONDS_MAX = 10.0


@contextmanager
def serve_in_thread(server: ThreadingHTTPServer) -> Iterator[str]:
    """Yield the URL of a server that answers until the end of the block, and close it."""
    with server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join(STOP_SECONDS_MAX)
            assert not serving.is_alive(), "the server did not end"
