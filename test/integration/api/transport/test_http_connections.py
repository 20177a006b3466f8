"""Connections to the HTTP server: malformed, slow, large and too many."""

import asyncio
import json

import pytest
from starlette.types import Receive, Scope, Send

from integration.api.conftest import BODY_BYTES_MAX
from kit.gateway.in_process import InProcessGateway
from kit.http.http_server import HttpServer, RawConnection, serve_http
from kit.http.websocket_client import connect_client, wait_for_condition
from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY
from oms.config_sections import ConnectionSettings

KEY = b"GET /key HTTP/1.1\r\nHost: x\r\n\r\n"
GET = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /order HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
BODY = b'{"ok":true}'


class App:
    """Reads a request whole and answers it once ``may_answer`` is set."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.executed: list[str] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.disconnected = 0
        self.body = BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected += 1
                return
            if not message.get("more_body"):
                break
        self.executed.append(scope["path"])
        if scope["path"] == "/key":
            scope[RATE_LIMIT_SCOPE_KEY] = None  # as for an authenticated caller
        self.headers = scope["headers"]
        await self.may_answer.wait()
        headers = [(b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def statuses(text: bytes) -> list[int]:
    """The statuses of all responses in ``text``."""
    return [int(part[:3]) for part in text.split(b"HTTP/1.1 ")[1:]]


async def ask(server: HttpServer, data: bytes) -> bytes:
    """Send ``data`` on a new connection; return everything until the server closes."""
    return await (await server.connect()).ask(data)


async def test_requests_that_the_parser_reads_and_the_server_refuses() -> None:
    async with serve_http(App()) as server:
        text = await ask(server, b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert statuses(text) == [400]


@pytest.mark.parametrize("garbage", [b"\x00\xffgarbage", b"NO SUCH THING\r\n\r\n", b"{}" + GET])
async def test_garbage_after_an_order_does_not_hide_its_response(garbage: bytes) -> None:
    app = App()
    async with serve_http(app) as server:
        text = await ask(server, POST + garbage)
        assert statuses(text) == [200]
        assert text.endswith(BODY)
        assert b"connection: close" in text
    assert app.executed == ["/order"]
    assert server.metrics.connections_closed == {"garbage_after_request": 1}


async def test_garbage_after_two_orders_that_wait() -> None:
    app = App()
    app.may_answer.clear()
    async with serve_http(app) as server:
        connection = await server.connect()
        await connection.send(POST + POST + b"\x00")
        await wait_for_condition(lambda: server.metrics.connections_closed)
        app.may_answer.set()
        assert statuses(await connection.read_to_end()) == [200, 200]
    assert app.executed == ["/order", "/order"]


@pytest.mark.parametrize("first", [b"", POST])
async def test_garbage_in_a_body_executes_nothing_of_it(first: bytes) -> None:
    app = App()
    chunked = b"POST /bad HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"
    async with serve_http(app) as server:
        connection = await server.connect()
        await connection.send(first + chunked + b"de\r\nnot hexadecimal\r\n")
        assert statuses(await connection.read_to_end()) == ([200] if first else [400])
    assert "/bad" not in app.executed
    assert app.disconnected == (0 if first else 1)


async def test_malformed_request_after_a_response() -> None:
    async with serve_http(App()) as server:
        connection = await server.connect()
        await connection.send(POST)
        assert await connection.read_response() == (200, BODY)
        text = await connection.ask(b"NO SUCH THING\r\n\r\n")
        assert statuses(text) == [400]
        assert b"server:" not in text.lower()
        detail = json.loads(text.partition(b"\r\n\r\n")[2])["detail"]
        assert (detail["code"], detail["outcome"]) == ("validation_error", "not_sent")


@pytest.mark.parametrize(
    "head",
    [
        b"a: b\r\n" * 101,
        b"a: " + b"x" * 70_000 + b"\r\n",
        b"a: " + b"x" * 50_000_000 + b"\r\n",
        b"a: " + b"x" * 900 + b"\r\n" + b"b: " + b"y" * 65_000 + b"\r\n",
    ],
    ids=["lines", "one line", "50 MB", "bytes"],
)
async def test_large_heads_are_refused(head: bytes) -> None:
    app = App()
    async with serve_http(app) as server:
        connection = await server.connect()
        sending = asyncio.create_task(connection.send(b"GET /x HTTP/1.1\r\n" + head + b"\r\n"))
        async with asyncio.timeout(10):
            status, body = await connection.read_response()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert (status, json.loads(body)["detail"]["code"]) == (431, "payload_too_large")
    assert app.executed == []


async def test_allowed_heads_are_read() -> None:
    app = App()
    async with serve_http(app) as server:
        connection = await server.connect()
        await connection.send(b"GET /x HTTP/1.1\r\n" + b"a: b\r\n" * 99 + b"c: d\r\n\r\n")
        assert (await connection.read_response())[0] == 200
        await connection.send(b"GET /x HTTP/1.1\r\na: " + b"x" * 64_000 + b"\r\n\r\n")
        assert (await connection.read_response())[0] == 200


async def test_trailers_are_not_headers() -> None:
    app = App()
    request = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    async with serve_http(app) as server:
        connection = await server.connect()
        await connection.send(request + b"x-api-key: other\r\n\r\n")
        assert (await connection.read_response())[0] == 200
    assert dict(app.headers) == {b"transfer-encoding": b"chunked"}
    async with serve_http(app) as server:
        text = await ask(server, request + b"a: b\r\n" * 200)
    assert statuses(text) == [400]


@pytest.mark.parametrize("connection_header", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize(
    ("path", "bytes_max"),
    [(b"/auth/login-password", 65_536), (b"/oms/commands", BODY_BYTES_MAX)],
)
async def test_a_large_body_is_refused_before_it_is_read(
    gateway: InProcessGateway, path: bytes, bytes_max: int, connection_header: bytes
) -> None:
    length = bytes_max + 1
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + connection_header
    async with serve_http(gateway.app) as server:
        connection = await server.connect()
        await connection.send(head + b"Content-Length: %d\r\n\r\n{" % length)
        assert (await connection.read_response())[0] == 413
        await connection.send(b" " * (length - 1))  # its sender is not cut off
        if connection_header:
            assert await connection.read_to_end() == b""
        else:
            await connection.send(b"GET /livez HTTP/1.1\r\n\r\n")
            assert (await connection.read_response())[0] == 200


async def test_pipelined_requests_are_limited() -> None:
    app = App()
    async with serve_http(app) as server:
        answered = statuses(await ask(server, GET * 1000))
    assert answered == [200] * 33
    assert len(app.executed) == 33


QUICK = ConnectionSettings(head_seconds=0.2, body_seconds=0.2, idle_seconds=0.2, write_seconds=0.2)


@pytest.mark.parametrize(
    ("sent", "expected", "reason"),
    [
        (b"", [], "head_timeout"),
        (b"\r\n\r\n", [], "head_timeout"),
        (b"GET /x HTTP/1.1\r\nHost:", [408], "head_timeout"),
        (POST[:-1], [408], "body_timeout"),
        (GET, [200], "idle"),
        (GET + b"\r\n", [200], "idle"),
        (GET + b"GET /y", [200, 408], "head_timeout"),
    ],
    ids=["nothing", "empty lines", "head", "body", "idle", "idle with a line", "second head"],
)
async def test_slow_clients_are_closed(sent: bytes, expected: list[int], reason: str) -> None:
    async with serve_http(App(), QUICK) as server:
        assert statuses(await ask(server, sent)) == expected
        assert server.metrics.connections_closed[reason] == 1


async def test_bytes_that_trickle_do_not_extend_the_time() -> None:
    async with serve_http(App(), QUICK) as server:
        connection = await server.connect()
        reading = asyncio.create_task(connection.read_to_end())
        await connection.send(b"GET /")
        while not reading.done():
            connection.writer.write(b"x")
            await asyncio.wait({reading}, timeout=0.05)
        assert server.metrics.connections_closed["head_timeout"] == 1


async def test_a_request_that_is_executed_has_no_time_limit() -> None:
    app = App()
    app.may_answer.clear()
    async with serve_http(app, QUICK) as server:
        connection = await server.connect()
        await connection.send(POST)
        other = await server.connect()
        assert await other.read_to_end() == b""  # it was closed for its time meanwhile
        app.may_answer.set()
        assert await connection.read_response() == (200, BODY)


async def test_a_client_that_does_not_read_is_closed() -> None:
    app = App()
    app.body = b"x" * 30_000_000
    async with serve_http(app, QUICK) as server:
        connection = await server.connect()
        await connection.send(GET)
        await wait_for_condition(lambda: server.metrics.connections_closed["write_timeout"])
        await wait_for_condition(lambda: not server.metrics.connections_open)


async def served(server: HttpServer, request: bytes = KEY) -> RawConnection:
    """A connection with one answered request."""
    connection = await server.connect()
    await connection.send(request)
    assert (await connection.read_response())[0] == 200
    return connection


async def test_the_connection_that_can_be_missed_most_is_closed() -> None:
    app = App()
    async with serve_http(app, ConnectionSettings(open_max=4, per_address_max=100)) as server:
        oldest, newer = await served(server), await served(server)
        half = await server.connect()
        await half.send(POST[:-1])
        public = await served(server, GET)
        await wait_for_condition(lambda: server.metrics.connections_open == 4)
        another = await served(server)
        assert await half.read_to_end() == b""
        await served(server)
        assert await public.read_to_end() == b""
        app.may_answer.clear()
        await oldest.send(GET)  # the longest idle one is busy now
        await wait_for_condition(lambda: len(app.executed) == 6)
        late = await server.connect()
        assert await late.read_to_end() == b""  # it is the only one without authentication
        app.may_answer.set()
        for connection in (oldest, newer, another):
            if connection is not oldest:
                await connection.send(GET)
            assert (await connection.read_response())[0] == 200
    assert server.metrics.connections_closed == {"too_many": 3}


async def test_connections_of_one_address_are_limited() -> None:
    async with serve_http(App(), ConnectionSettings(open_max=100, per_address_max=2)) as server:
        kept = await served(server)
        silent = await server.connect()
        await wait_for_condition(lambda: server.metrics.connections_open == 2)
        await served(server)
        assert await silent.read_to_end() == b""
        await kept.send(GET)
        assert (await kept.read_response())[0] == 200
    assert server.metrics.connections_closed == {"too_many_of_address": 1}


async def test_authenticated_websockets_are_kept(gateway: InProcessGateway) -> None:
    limits = ConnectionSettings(open_max=2, per_address_max=100)
    async with serve_http(gateway.app, limits) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with connect_client(url, gateway.client.key) as kept, connect_client(url) as silent:
            assert (await kept.receive())["event"] == "connected"
            assert (await silent.receive())["event"] == "connected"
            assert server.metrics.connections_open == 2
            connection = await server.connect()
            await connection.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await connection.read_response())[0] == 200
            await wait_for_condition(lambda: silent.connection.close_code == 1006)
            assert (await kept.request("ping"))["event"] == "pong"
        await wait_for_condition(lambda: server.metrics.connections_open == 1)
    assert server.metrics.connections_closed == {"too_many": 1}


async def test_orders_on_a_kept_connection_are_an_authenticated_connection(
    gateway: InProcessGateway,
) -> None:
    body = json.dumps(gateway.command()).encode()
    head = f"x-api-key: {gateway.client.key}\r\nContent-Length: {len(body)}\r\n\r\n"
    order = b"POST /oms/commands?wait_ms=0 HTTP/1.1\r\nHost: x\r\n" + head.encode() + body
    async with serve_http(gateway.app, ConnectionSettings(open_max=1)) as server:
        kept = await server.connect()
        await kept.send(order)
        assert (await kept.read_response())[0] == 202
        assert await (await server.connect()).read_to_end() == b""
        await kept.send(order + b"\x00")
        assert (await kept.read_response())[0] == 202
        assert await kept.read_to_end() == b""
