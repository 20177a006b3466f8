"""Keep-alive HTTP connections over blocking sockets.

Several threads may send requests: each uses a connection of its own until the response is there.
"""

import os
import selectors
import socket
import ssl
import time

from ccxt_driver.sansio.http1 import (
    DEFAULT_PORTS,
    HttpRequest,
    HttpResponse,
    ResponseParser,
    encode_request,
    parse_base_url,
)
from ccxt_driver.sansio.idle_pool import IdlePool, RequestNotSent

_READ_BYTES = 64 * 1024


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.used_at = time.monotonic()

    def is_open(self) -> bool:
        """Whether nothing is readable: an idle socket that is readable has been closed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            return not selector.select(0)

    def close(self) -> None:
        self.sock.close()


class ConnectionPool:
    """Connections to one address, opened on demand and retained."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        self._address = parse_base_url(base_url)
        self._timeout_seconds = timeout_seconds
        self._idle: IdlePool[_Connection] = IdlePool()
        self._pid = os.getpid()

    def exchange(self, request: HttpRequest) -> HttpResponse:
        """Sends a request and returns its response.

        A request that is not repeatable is sent at most once. Raises ``RequestNotSent`` if no
        connection could be opened, ``OSError`` if the response was lost.
        """
        data = encode_request(request, self._address)
        if self._pid != os.getpid():  # after a fork the connections belong to the parent
            self._idle, self._pid = IdlePool(), os.getpid()
        for connection in self._idle.candidates(is_repeatable=request.is_repeatable):
            try:
                return self._exchange_on(connection, data)
            except TimeoutError:
                raise
            except OSError:
                if not request.is_repeatable:
                    raise
        return self._exchange_on(self._connect(), data)

    def close(self) -> None:
        """Closes the idle connections; the next request opens a new one."""
        for connection in self._idle.clear():
            connection.close()

    def _connect(self) -> _Connection:
        host, scheme = self._address.hostname, self._address.scheme
        assert host is not None
        port = self._address.port or DEFAULT_PORTS[scheme]
        try:
            sock = socket.create_connection((host, port), self._timeout_seconds)
        except OSError as cause:
            raise RequestNotSent(cause) from cause
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        except OSError as cause:
            sock.close()
            raise RequestNotSent(cause) from cause
        return _Connection(sock)

    def _exchange_on(self, connection: _Connection, data: bytes) -> HttpResponse:
        response, parser = None, ResponseParser()
        try:
            connection.sock.sendall(data)
            while response is None:
                response = parser.feed(connection.sock.recv(_READ_BYTES))
        finally:
            if response is not None and response.keeps_connection:
                self._idle.put(connection)
            else:
                connection.close()
        return response
