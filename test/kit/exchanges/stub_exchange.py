"""A stub exchange over HTTP on 127.0.0.1 with canned responses, and ccxt clients of it.

Requests are built and responses parsed by ccxt itself; only the market table is given by the test.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kit.http.threaded_server import serve_in_thread
from oms.adapters.ccxt.client.ccxt_factory import load_ccxt_class
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient

#: Response that closes the connection: the request may have been executed.
LOST = object()


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One received request; ``fields`` are its query and its body merged."""

    method: str
    path: str
    fields: Any
    headers: Mapping[str, str]


Answer = Callable[[ReceivedRequest], Any]


@dataclass(slots=True)
class StubExchange:
    """Responses by ``METHOD /path``: a body, or a function from request to body.

    Routes without an entry get ``default_response``.
    """

    default_response: Any
    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[ReceivedRequest] = field(default_factory=list)
    base_url: str = ""
    #: HTTP status of routes that respond with an error.
    statuses: dict[str, int] = field(default_factory=dict)

    def answer(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Returns status and body; a route may end with ``*`` to match any suffix."""
        self.requests.append(request)
        name = f"{request.method} {request.path}"
        key = next((each for each in self.answers if _matches_route(each, name)), None)
        body = self.default_response if key is None else self.answers[key]
        return self.statuses.get(key or "", 200), body(request) if callable(body) else body

    def sent(self, route: str) -> list[ReceivedRequest]:
        """The received requests of a route, in order."""
        return [
            each for each in self.requests if _matches_route(route, f"{each.method} {each.path}")
        ]

    def paths(self) -> set[str]:
        """All requested routes, as ``METHOD /path``."""
        return {f"{each.method} {each.path}" for each in self.requests}


def _matches_route(route: str, name: str) -> bool:
    return name.startswith(route[:-1]) if route.endswith("*") else route == name


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Headers and body are sent together; otherwise the body waits for an acknowledgement.
    wbufsize = -1
    venue: StubExchange

    def log_message(self, *args: Any) -> None:
        """Suppresses the log."""

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
def run_stub_exchange(default_response: Any) -> Iterator[StubExchange]:
    """A stub exchange that runs for the duration of the block."""
    venue = StubExchange(default_response=default_response)
    connection = type("Connection", (_Connection,), {"venue": venue})
    with serve_in_thread(ThreadingHTTPServer(("127.0.0.1", 0), connection)) as venue.base_url:
        yield venue


def make_client(
    name: str, environment: str, base_url: str, markets: list[dict[str, Any]], folder: Path
) -> VenueClient:
    """A client whose URLs all point to ``base_url``, with unchanged paths."""
    model = load_ccxt_class("ccxt", name)()
    api = _redirected(model.urls["api"], base_url)
    extra: dict[str, Any] = {"urls": {"api": api}, "rateLimit": 1}
    if model.urls.get("test"):
        extra["urls"]["test"] = api
    market_cache = MarketCache()
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
        market_cache,
    )
    model.number = str
    model.set_markets([_market(model, each) for each in markets])
    market_cache.store(client._table_name(), model)
    return client


def _redirected(urls: Any, base_url: str) -> Any:
    if isinstance(urls, Mapping):
        return {key: _redirected(each, base_url) for key, each in urls.items()}
    return re.sub(r"https?://[^/]+", base_url, urls)


def _market(model: Any, market: Mapping[str, Any]) -> dict[str, Any]:
    """A market structure of ccxt from id, pair and, for contracts, contract size."""
    size = market.get("contract")
    base, quote = market["pair"]
    is_inverse = bool(market.get("inverse"))
    settle = None if size is None else base if is_inverse else quote
    structure: dict[str, Any] = model.safe_market_structure(
        {
            "id": market["id"],
            "symbol": f"{base}/{quote}" + ("" if settle is None else f":{settle}"),
            "base": base,
            "quote": quote,
            "settle": settle,
            "baseId": market.get("base_id", base),
            "quoteId": market.get("quote_id", quote),
            "settleId": None if settle is None else market.get("settle_id", settle),
            "type": "spot" if size is None else "swap",
            "spot": size is None,
            "margin": False,
            "swap": size is not None,
            "future": False,
            "option": False,
            "contract": size is not None,
            "linear": None if size is None else not is_inverse,
            "inverse": None if size is None else is_inverse,
            "active": True,
            "contractSize": size,
            "precision": {"amount": market.get("step", "0.00000001"), "price": "0.00000001"},
            "limits": {"amount": {}, "price": {}, "cost": {}, "leverage": {}},
            "info": market.get("info", {}),
        }
    )
    return structure


def now_ms() -> int:
    """The current time in milliseconds since the epoch."""
    return int(time.time() * 1000)
