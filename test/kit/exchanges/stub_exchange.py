"""Exchanges that answer by bodies a test gives, over HTTP on 127.0.0.1, and the clients of them.

What leaves and how an answer is read is ccxt's own; only the markets are put in by hand.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oms.adapters.ccxt.client.ccxt_factory import load_ccxt_class
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient

#: Instead of an answer the connection is closed: it may have been carried out.
LOST = object()


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it arrived; ``told`` is its query and its body together."""

    method: str
    path: str
    fields: Any
    headers: Mapping[str, str]


Answer = Callable[[ReceivedRequest], Any]


@dataclass(slots=True)
class StubExchange:
    """``answers`` by method and path, each a body or what makes one; else ``otherwise``."""

    otherwise: Any
    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[ReceivedRequest] = field(default_factory=list)
    base_url: str = ""
    #: HTTP status of routes that refuse.
    statuses: dict[str, int] = field(default_factory=dict)

    def answer(self, asked: ReceivedRequest) -> tuple[int, Any]:
        """The status and the body; the last letters of a path may be left open by ``*``."""
        self.requests.append(asked)
        name = f"{asked.method} {asked.path}"
        key = next((each for each in self.answers if _fits(each, name)), None)
        told = self.otherwise if key is None else self.answers[key]
        return self.statuses.get(key or "", 200), told(asked) if callable(told) else told

    def sent(self, route: str) -> list[ReceivedRequest]:
        """The requests of a route, in their order."""
        return [each for each in self.requests if _fits(route, f"{each.method} {each.path}")]

    def paths(self) -> set[str]:
        """Every route that was asked."""
        return {f"{each.method} {each.path}" for each in self.requests}


def _fits(route: str, name: str) -> bool:
    return name.startswith(route[:-1]) if route.endswith("*") else route == name


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Head and body leave together: apart, the second waits for the first to be acknowledged.
    wbufsize = -1
    venue: StubExchange

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        text = self.rfile.read(length).decode()
        parts = urlsplit(self.path)
        fields: Any = dict(parse_qsl(parts.query))
        if text[:1] in ("{", "["):
            body = json.loads(text)
            fields = body if isinstance(body, list) else fields | body
        elif text:
            fields |= dict(parse_qsl(text))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.venue.answer(
            ReceivedRequest(self.command, parts.path, fields, headers)
        )
        if answer is LOST:
            self.close_connection = True
            return
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_DELETE = do_PUT = do_PATCH = do_GET


@contextmanager
def run_stub_exchange(otherwise: Any) -> Iterator[StubExchange]:
    """A venue that runs while the block does."""
    venue = StubExchange(otherwise=otherwise)
    connection = type("Connection", (_Connection,), {"venue": venue})
    with ThreadingHTTPServer(("127.0.0.1", 0), connection) as server:
        server.daemon_threads = True
        venue.base_url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield venue
        finally:
            server.shutdown()
            serving.join()


def make_client(
    name: str, environment: str, base_url: str, markets: list[dict[str, Any]], folder: Path
) -> VenueClient:
    """A client whose URLs all lead to ``base_url``, their paths unchanged."""
    model = load_ccxt_class("ccxt", name)()
    api = _led(model.urls["api"], base_url)
    extra: dict[str, Any] = {"urls": {"api": api}, "rateLimit": 1}
    if environment != "loopback" and model.urls.get("test"):
        extra["urls"]["test"] = api
    shelf = MarketCache()
    client = VenueClient(
        ClientSpec(
            account_id=1,
            venue=name,
            engine="ccxt",
            environment=environment,
            api_key="key",
            secret="c2VjcmV0",
            passphrase="words",
            extra_config=extra,
            cache_folder=folder,
        ),
        shelf,
    )
    model.number = str
    model.set_markets([_market(model, each) for each in markets])
    shelf.store(client._table_name(), model)
    return client


def _led(urls: Any, base_url: str) -> Any:
    if isinstance(urls, Mapping):
        return {key: _led(each, base_url) for key, each in urls.items()}
    return re.sub(r"https?://[^/]+", base_url, urls)


def _market(model: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """A market in ccxt's shape: its id, its pair, and the size of its contract if it is one."""
    size = told.get("contract")
    base, quote = told["pair"]
    settle = None if size is None else quote
    found: dict[str, Any] = model.safe_market_structure(
        {
            "id": told["id"],
            "symbol": f"{base}/{quote}" + ("" if settle is None else f":{settle}"),
            "base": base,
            "quote": quote,
            "settle": settle,
            "baseId": told.get("base_id", base),
            "quoteId": told.get("quote_id", quote),
            "settleId": None if settle is None else told.get("settle_id", settle),
            "type": "spot" if size is None else "swap",
            "spot": size is None,
            "margin": False,
            "swap": size is not None,
            "future": False,
            "option": False,
            "contract": size is not None,
            "linear": None if size is None else True,
            "inverse": None if size is None else False,
            "active": True,
            "contractSize": size,
            "precision": {"amount": told.get("step", "0.00000001"), "price": "0.00000001"},
            "limits": {"amount": {}, "price": {}, "cost": {}, "leverage": {}},
            "info": {},
        }
    )
    return found


def now_ms() -> int:
    """Now, as exchanges say it."""
    return int(time.time() * 1000)
