"""The cost of a call through the driver and ``/ccxt``, compared with the same raw request.

A raw request is sent by ``http.client`` on one keep-alive connection and its JSON is parsed: the
least that a program without the driver would do. The ways alternate call by call, so that other
load of the machine affects them equally; ratios are of medians.
"""

import asyncio
import json
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Self
from urllib.parse import urlsplit

import ccxt
import ccxt.async_support

from bench.load import Target
from bench.processes import BenchError
from ccxt_driver import OmsCcxtAsyncExchange, OmsCcxtExchange

Call = Callable[[], object]

RAW_HTTP, SYNC, ASYNC = "raw HTTP", "driver", "async driver"
WARM_UP_CALLS = 5
RESTING_ORDERS = 20
#: Longer than any call here delays the next one in ccxt's rate limiter for Bybit.
BUDGET_PAUSE_SECONDS = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCosts:
    """One kind of call: milliseconds of each way (median of rounds), and ratios to the first."""

    name: str
    ms: Mapping[str, float]
    ratios: Mapping[str, float]


class RawHttpClient:
    """A client on one keep-alive connection."""

    def __init__(self, target: Target) -> None:
        parts = urlsplit(target.base_url)
        assert parts.hostname is not None
        self._connection = HTTPConnection(parts.hostname, parts.port, timeout=60)
        self._headers = {"x-api-key": target.api_key, "content-type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._connection.close()

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Returns the JSON of the response. Raises ``BenchError`` for an error response."""
        content = None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, content, self._headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise BenchError(f"{method} {path} returned {response.status} {text[:500]!r}")
        return json.loads(text)


def measure_driver(target: Target, *, rounds: int, calls: int) -> list[CallCosts]:
    """Measures reads, a market call and an order on a paper account, in three ways each."""
    account, symbol, qty = target.accounts[0], target.symbol, target.qty
    config = {"api_key": target.api_key, "account_id": account, "base_url": target.base_url}
    loop = asyncio.new_event_loop()
    aio: Any = OmsCcxtAsyncExchange(**config)
    try:
        with RawHttpClient(target) as raw, OmsCcxtExchange(**config) as sync:
            driver: Any = sync
            _place_resting_orders(driver, target)
            sides = _alternating_sides()

            def async_call(name: str, *args: object) -> Call:
                return lambda: loop.run_until_complete(getattr(aio, name)(*args))

            def async_order() -> object:
                args = (symbol, "market", next(sides), qty)
                return loop.run_until_complete(aio.create_order(*args))

            kinds: dict[str, dict[str, Call]] = {
                f"fetch_open_orders ({RESTING_ORDERS} open)": {
                    RAW_HTTP: lambda: raw.send("GET", f"/oms/orders/open?account_ids={account}"),
                    SYNC: driver.fetch_open_orders,
                    ASYNC: async_call("fetch_open_orders"),
                },
                "fetch_ticker": {
                    RAW_HTTP: lambda: _call(raw, account, "fetch_ticker", symbol),
                    SYNC: lambda: driver.fetch_ticker(symbol),
                    ASYNC: async_call("fetch_ticker", symbol),
                },
                "create_order (market)": {
                    RAW_HTTP: lambda: _order(raw, target, next(sides)),
                    SYNC: lambda: driver.create_order(symbol, "market", next(sides), qty),
                    ASYNC: async_order,
                },
            }
            return [measure_interleaved(kind, ways, rounds, calls) for kind, ways in kinds.items()]
    finally:
        loop.run_until_complete(aio.close())
        loop.close()


def measure_gateway(target: Target, *, rounds: int, calls: int) -> list[CallCosts]:
    """Measures ``/ccxt`` on a paper account and the routes of the ledger, all by raw HTTP."""
    account, symbol = target.accounts[0], target.symbol
    sides = _alternating_sides()

    def create_by_ccxt_route(raw: RawHttpClient) -> object:
        return _call(raw, account, "create_order", symbol, "market", next(sides), target.qty)

    with RawHttpClient(target) as raw:
        reads: dict[str, Call] = {
            "GET /healthz": lambda: raw.send("GET", "/healthz"),
            "GET /oms/orders/open": lambda: raw.send(
                "GET", f"/oms/orders/open?account_ids={account}"
            ),
            "/ccxt fetch_ticker": lambda: _call(raw, account, "fetch_ticker", symbol),
            "/ccxt fetch_balance": lambda: _call(raw, account, "fetch_balance"),
        }
        trades: dict[str, Call] = {
            "send_order": lambda: _order(raw, target, next(sides)),
            "/ccxt create_order": lambda: create_by_ccxt_route(raw),
        }
        return [
            measure_interleaved("reads", reads, rounds, calls),
            measure_interleaved("orders", trades, rounds, calls),
        ]


def compare_with_ccxt(
    target: Target, config: Mapping[str, Any], *, rounds: int, calls: int
) -> list[CallCosts]:
    """Measures queries of the account's exchange by ccxt itself and through the gateway.

    Twice by ccxt: as fast as it can, and as the gateway has it, asynchronous with its own limiter,
    which lets a call wait for the one before it even after a pause. With pauses: the gateway keeps
    to the exchange's budget of requests, which is no cost of its own.
    """
    loop = asyncio.new_event_loop()
    plain: Any = ccxt.bybit({**config, "enableRateLimit": False})
    limited: Any = ccxt.async_support.bybit(
        {**config, "enableRateLimit": True, "asyncio_loop": loop}
    )
    for exchange in (plain, limited):
        exchange.set_sandbox_mode(True)
    plain.load_markets()
    loop.run_until_complete(limited.load_markets())

    def ways(raw: RawHttpClient, func: str, *args: object) -> dict[str, Call]:
        return {
            "ccxt": lambda: getattr(plain, func)(*args),
            "ccxt with its limiter": lambda: loop.run_until_complete(getattr(limited, func)(*args)),
            "/ccxt": lambda: _call(raw, target.accounts[0], func, *args),
        }

    try:
        with RawHttpClient(target) as raw:
            return [
                measure_interleaved(args[0], ways(raw, *args), rounds, calls, BUDGET_PAUSE_SECONDS)
                for args in (("fetch_ticker", target.symbol), ("fetch_balance",))
            ]
    finally:
        loop.run_until_complete(limited.close())
        loop.close()


def measure_interleaved(
    name: str, ways: Mapping[str, Call], rounds: int, calls: int, pause_seconds: float = 0.0
) -> CallCosts:
    """Alternates the ways, ``calls`` times per round; returns medians of the rounds."""
    for call in ways.values():
        for _ in range(WARM_UP_CALLS):
            call()
    medians: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        samples: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(calls):
            for way in _rotate(list(ways), number):
                call = ways[way]
                time.sleep(pause_seconds)
                started_at = time.perf_counter()
                call()
                samples[way].append((time.perf_counter() - started_at) * 1_000)
        for way, times in samples.items():
            medians[way].append(statistics.median(times))
    floor = medians[next(iter(ways))]
    return CallCosts(
        name=name,
        ms={way: statistics.median(values) for way, values in medians.items()},
        ratios={
            way: statistics.median(one / other for one, other in zip(values, floor, strict=True))
            for way, values in medians.items()
        },
    )


def _rotate(names: list[str], number: int) -> list[str]:
    """Returns the names rotated, so that effects of one call on the next are evenly spread."""
    first = number % len(names)
    return names[first:] + names[:first]


def _place_resting_orders(driver: Any, target: Target) -> None:
    """Places orders that stay open, far from the market."""
    price = round(driver.fetch_ticker(target.symbol)["last"] * 0.7, 1)
    for _ in range(RESTING_ORDERS):
        driver.create_order(target.symbol, "limit", "buy", target.qty, price)


def _call(raw: RawHttpClient, account: int, func: str, *args: object) -> Any:
    return raw.send("POST", f"/ccxt/{account}/{func}", {"args": args, "kwargs": {}})


def _order(raw: RawHttpClient, target: Target, side: str) -> Any:
    payload = {
        "symbol": target.symbol,
        "side": side,
        "order_type": "market",
        "qty": target.qty,
        "client_order_id": uuid.uuid4().hex,
    }
    command = {"account_id": target.accounts[0], "command": "send_order", "payload": payload}
    return raw.send("POST", "/oms/commands?wait_ms=10000", command)


def _alternating_sides() -> Iterator[str]:
    """Yields buy and sell alternately, so that no position grows."""
    while True:
        yield "buy"
        yield "sell"
