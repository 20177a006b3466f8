"""What a call costs through the driver, and through ``/ccxt``, beside the same request by hand.

By hand is ``http.client`` on one kept connection, the answer's JSON read: what a program without
the driver would do at least. The ways take turns call by call, so that whatever else the machine
does strikes them all alike, and ratios are of medians.
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

RAW_HTTP, SYNC, ASYNC = "by hand", "driver", "async driver"
WARM_UP_CALLS = 5
RESTING_ORDERS = 20
#: Longer than any call here weighs in Bybit's budget, as ccxt counts it.
BUDGET_PAUSE_SECONDS = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCosts:
    """One kind of call: milliseconds of each way (median of rounds), and ratios to the first."""

    name: str
    ms: Mapping[str, float]
    ratios: Mapping[str, float]


class RawHttpClient:
    """One kept connection."""

    def __init__(self, target: Target) -> None:
        parts = urlsplit(target.base_url)
        assert parts.hostname is not None
        self._connection = HTTPConnection(parts.hostname, parts.port, timeout=60)
        self._headers = {"x-api-key": target.api_key, "content-type": "application/json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON. Raises ``BenchError`` if it is a refusal."""
        content = None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, content, self._headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise BenchError(f"{method} {path} answers {answer.status} {told[:500]!r}")
        return json.loads(told)


def measure_driver(target: Target, *, rounds: int, calls: int) -> list[CallCosts]:
    """Reads, a market call and an order on a paper account, in three ways each."""
    account, symbol, qty = target.accounts[0], target.symbol, target.qty
    config = {"api_key": target.api_key, "account_id": account, "base_url": target.base_url}
    loop = asyncio.new_event_loop()
    aio: Any = OmsCcxtAsyncExchange(**config)
    try:
        with RawHttpClient(target) as hand, OmsCcxtExchange(**config) as sync:
            driver: Any = sync
            _rest(driver, target)
            sides = _turns()

            def waited(name: str, *args: object) -> Call:
                return lambda: loop.run_until_complete(getattr(aio, name)(*args))

            def ordered() -> object:
                args = (symbol, "market", next(sides), qty)
                return loop.run_until_complete(aio.create_order(*args))

            kinds: dict[str, dict[str, Call]] = {
                f"fetch_open_orders ({RESTING_ORDERS} open)": {
                    RAW_HTTP: lambda: hand.ask("GET", f"/oms/orders/open?account_ids={account}"),
                    SYNC: driver.fetch_open_orders,
                    ASYNC: waited("fetch_open_orders"),
                },
                "fetch_ticker": {
                    RAW_HTTP: lambda: _call(hand, account, "fetch_ticker", symbol),
                    SYNC: lambda: driver.fetch_ticker(symbol),
                    ASYNC: waited("fetch_ticker", symbol),
                },
                "create_order (market)": {
                    RAW_HTTP: lambda: _order(hand, target, next(sides)),
                    SYNC: lambda: driver.create_order(symbol, "market", next(sides), qty),
                    ASYNC: ordered,
                },
            }
            return [measure_interleaved(kind, ways, rounds, calls) for kind, ways in kinds.items()]
    finally:
        loop.run_until_complete(aio.close())
        loop.close()


def measure_gateway(target: Target, *, rounds: int, calls: int) -> list[CallCosts]:
    """``/ccxt`` on a paper account beside the routes of the ledger, all by hand."""
    account, symbol = target.accounts[0], target.symbol
    sides = _turns()

    def past(hand: RawHttpClient) -> object:
        return _call(hand, account, "create_order", symbol, "market", next(sides), target.qty)

    with RawHttpClient(target) as hand:
        reads: dict[str, Call] = {
            "GET /healthz": lambda: hand.ask("GET", "/healthz"),
            "GET /oms/orders/open": lambda: hand.ask(
                "GET", f"/oms/orders/open?account_ids={account}"
            ),
            "/ccxt fetch_ticker": lambda: _call(hand, account, "fetch_ticker", symbol),
            "/ccxt fetch_balance": lambda: _call(hand, account, "fetch_balance"),
        }
        trades: dict[str, Call] = {
            "send_order": lambda: _order(hand, target, next(sides)),
            "/ccxt create_order": lambda: past(hand),
        }
        return [
            measure_interleaved("reads", reads, rounds, calls),
            measure_interleaved("orders", trades, rounds, calls),
        ]


def compare_with_ccxt(
    target: Target, config: Mapping[str, Any], *, rounds: int, calls: int
) -> list[CallCosts]:
    """The account's exchange asked by ccxt itself, and by the gateway on its behalf.

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

    def ways(hand: RawHttpClient, func: str, *args: object) -> dict[str, Call]:
        return {
            "ccxt": lambda: getattr(plain, func)(*args),
            "ccxt with its limiter": lambda: loop.run_until_complete(getattr(limited, func)(*args)),
            "/ccxt": lambda: _call(hand, target.accounts[0], func, *args),
        }

    try:
        with RawHttpClient(target) as hand:
            return [
                measure_interleaved(args[0], ways(hand, *args), rounds, calls, BUDGET_PAUSE_SECONDS)
                for args in (("fetch_ticker", target.symbol), ("fetch_balance",))
            ]
    finally:
        loop.run_until_complete(limited.close())
        loop.close()


def measure_interleaved(
    name: str, ways: Mapping[str, Call], rounds: int, calls: int, pause_seconds: float = 0.0
) -> CallCosts:
    """Each way once, then each again, ``calls`` times a round; medians of the rounds."""
    for ask in ways.values():
        for _ in range(WARM_UP_CALLS):
            ask()
    medians: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(calls):
            for way in _rotated(list(ways), number):
                ask = ways[way]
                time.sleep(pause_seconds)
                began = time.perf_counter()
                ask()
                taken[way].append((time.perf_counter() - began) * 1_000)
        for way, all_of_it in taken.items():
            medians[way].append(statistics.median(all_of_it))
    floor = medians[next(iter(ways))]
    return CallCosts(
        name=name,
        ms={way: statistics.median(mine) for way, mine in medians.items()},
        ratios={
            way: statistics.median(one / other for one, other in zip(mine, floor, strict=True))
            for way, mine in medians.items()
        },
    )


def _rotated(names: list[str], number: int) -> list[str]:
    """Each begins in its turn: what one leaves behind for the next strikes all alike."""
    first = number % len(names)
    return names[first:] + names[:first]


def _rest(driver: Any, target: Target) -> None:
    """Orders that stay open, far from the market."""
    price = round(driver.fetch_ticker(target.symbol)["last"] * 0.7, 1)
    for _ in range(RESTING_ORDERS):
        driver.create_order(target.symbol, "limit", "buy", target.qty, price)


def _call(hand: RawHttpClient, account: int, func: str, *args: object) -> Any:
    return hand.ask("POST", f"/ccxt/{account}/{func}", {"args": args, "kwargs": {}})


def _order(hand: RawHttpClient, target: Target, side: str) -> Any:
    wish = {
        "symbol": target.symbol,
        "side": side,
        "order_type": "market",
        "qty": target.qty,
        "client_order_id": uuid.uuid4().hex,
    }
    command = {"account_id": target.accounts[0], "command": "send_order", "payload": wish}
    return hand.ask("POST", "/oms/commands?wait_ms=10000", command)


def _turns() -> Iterator[str]:
    """Buys and sells in turns, so that no position grows."""
    while True:
        yield "buy"
        yield "sell"
