"""The same calls through ccxt and through driver and gateway, compared by the orders that arrive.

Two accounts of one loopback exchange: real ccxt trades on ``b``; the driver trades on ``a``,
through an in-process gateway. What counts is what the exchange has afterwards.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from uuid import uuid4

import ccxt
import ccxt.async_support

from ccxt_driver import OmsCcxtAsyncExchange
from ccxt_driver.async_http_client import OmsAsyncHttpClient
from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.gateway.exchange_setup import TRADER_KEY, ExchangeSetup
from kit.gateway.in_process import AUDIT, TRADER, InProcessGateway, open_gateway
from kit.http.asgi_client import AsgiClient
from oms.wire.json import dumps

DIRECT_KEY, DIRECT_ACCOUNT, GATEWAY_ACCOUNT = "loop-b", "b", "a"
PRICES = {"BTC/USDT": "60000", "BTC/USDT:USDT": "60000", "ETH/USDT": "3000"}
#: What is compared of an order at the exchange; ids and times differ.
TERMS = (
    *("symbol", "side", "type", "leg", "qty", "price", "trigger", "trigger_by", "reduce_only"),
    *("post_only", "time_in_force", "trailing_percent", "take_profit", "stop_loss", "filled"),
    *("state", "origin"),
)

Result = TypeVar("Result")
#: What one comparison takes at most.
SECONDS_MAX = 60
#: After so many comparisons the gateway's open orders are canceled.
_CANCEL_EVERY = 20

Order = dict[str, Any]
Step = Callable[[Any, list[Any]], Any]
"""One call: gets the exchange object and the results of the earlier calls."""


class Verdict(StrEnum):
    """What the comparison found."""

    #: The same orders are at the exchange.
    EQUAL = "equal"
    #: Neither ccxt nor the driver placed anything; both raised.
    BOTH_REFUSED = "both refused"
    #: The driver raised and nothing of the call is at the exchange; ccxt traded.
    REFUSED = "refused"
    #: ccxt raised, and the driver did what was requested.
    ONLY_DRIVER = "only the driver"
    #: Different orders are at the exchange.
    DIFFERENT = "different"


@dataclass
class Side:
    """One side of a comparison: its new orders after each call, and what the last one raised."""

    snapshots: list[list[Order]]
    error: Exception | None = None

    @property
    def orders(self) -> list[Order]:
        """The orders at the end."""
        return self.snapshots[-1]

    def __str__(self) -> str:
        return f"{self.orders} {self.error!r}"


@dataclass(frozen=True)
class Comparison:
    """Both sides, each until its first error."""

    direct: Side
    driver: Side

    @property
    def verdict(self) -> Verdict:
        """What the comparison found."""
        direct, driver = self.direct, self.driver
        count = min(len(direct.snapshots), len(driver.snapshots))
        is_same_before = direct.snapshots[: count - 1] == driver.snapshots[: count - 1]
        errors = (_fails_at(direct, count), _fails_at(driver, count))
        if not is_same_before or _changed_by_error(driver):
            return Verdict.DIFFERENT
        if _changed_by_error(direct):  # ccxt failed half-way
            return Verdict.REFUSED if errors[1] else Verdict.DIFFERENT
        if errors == (False, False):
            return Verdict.EQUAL if direct.orders == driver.orders else Verdict.DIFFERENT
        verdicts = {
            (True, True): Verdict.BOTH_REFUSED,
            (False, True): Verdict.REFUSED,
            (True, False): Verdict.ONLY_DRIVER,
        }
        return verdicts[errors]

    def __str__(self) -> str:
        return f"{self.verdict}\nccxt: {self.direct}\ndriver: {self.driver}"


@dataclass
class Differential:
    """Real ccxt and a driver object for each account, beside one exchange."""

    venue: LoopbackExchange
    gateway: InProcessGateway
    account_ids: Mapping[str, int]
    _opened: list[Any] = field(default_factory=list)
    _direct: dict[str, Any] = field(default_factory=dict)
    _drivers: dict[str, Any] = field(default_factory=dict)
    _count: int = 0

    def direct(self, name: str, options: Mapping[str, Any]) -> Any:
        """A ccxt object of class ``name`` with ``options``; one for equal arguments."""
        key = f"{name} {sorted(options.items())}"
        if key not in self._direct:
            config = self.venue.config(DIRECT_KEY, dialect(name))
            config["options"] = direct_options(name, config, options)
            exchange = getattr(ccxt.async_support, name)(config)
            prepare_direct(exchange)
            self._direct[key] = exchange
            self._opened.append(exchange)
        return self._direct[key]

    def driver(self, name: str, options: Mapping[str, Any]) -> Any:
        """A driver object in place of ccxt's class ``name``; one for equal arguments."""
        key = f"{name} {sorted(options.items())}"
        if key not in self._drivers:
            account_id = self.account_ids[dialect(name)]
            config = {
                "apiKey": TRADER_KEY,
                "accountId": account_id,
                "options": {**options, "oms": {"exchange": name}},
            }
            self._drivers[key] = OmsCcxtAsyncExchange(config, http_client=self._http_client())
        return self._drivers[key]

    async def compare(
        self, name: str, steps: Sequence[Step], options: Mapping[str, Any] | None = None
    ) -> Comparison:
        """Runs the calls on both sides, each until its first error."""
        direct = await self._run(self.direct(name, options or {}), DIRECT_ACCOUNT, steps)
        driver = await self._run(self.driver(name, options or {}), GATEWAY_ACCOUNT, steps)
        self._count += 1
        if self._count % _CANCEL_EVERY == 0:
            await self.cancel_open()
        return Comparison(direct, driver)

    async def cancel_open(self) -> None:
        """Cancels the open orders of the gateway's accounts."""
        for account_id in self.account_ids.values():
            client = AsgiClient(self.gateway.app, TRADER_KEY)
            command = {"account_id": account_id, "command": "cancel_all_orders", "payload": {}}
            await client("POST", "/oms/commands?wait_ms=10000", command)

    async def close(self) -> None:
        """Closes ccxt's sessions."""
        for exchange in self._opened:
            await exchange.close()

    async def _run(self, exchange: Any, account: str, steps: Sequence[Step]) -> Side:
        before = {row["order_id"] for row in self._orders(account)}
        side = Side([[]])
        results: list[Any] = []
        for step in steps:
            try:
                results.append(await step(exchange, results))
            except ccxt.BaseError as raised:
                side.error = raised
            new = [row for row in self._orders(account) if row["order_id"] not in before]
            side.snapshots.append([{name: row[name] for name in TERMS} for row in new])
            if side.error is not None:
                break
        return side

    def _orders(self, account: str) -> list[Order]:
        orders: list[Order] = self.venue.books(account)["orders"]
        return orders

    def _http_client(self) -> OmsAsyncHttpClient:
        asgi = AsgiClient(self.gateway.app, TRADER_KEY)

        async def transport(method: str, url: str, _headers: Any, payload: Any) -> Any:
            target = url.removeprefix("http://gateway")
            return (await asgi(method, target, payload)).json()

        return OmsAsyncHttpClient(
            base_url="http://gateway", api_key=TRADER_KEY, transport=transport
        )


@asynccontextmanager
async def open_differential(venue: LoopbackExchange, folder: Path) -> AsyncIterator[Differential]:
    """Yields both sides: a gateway with an account at each dialect of the exchange."""
    venue.control("reset")
    for symbol, price in PRICES.items():
        venue.control("price", symbol=symbol, price=price)
    for account in (GATEWAY_ACCOUNT, DIRECT_ACCOUNT):
        for currency, amount in (("USDT", "100000000"), ("BTC", "10000"), ("ETH", "10000")):
            venue.control("deposit", key=f"loop-{account}", currency=currency, amount=amount)
    async with open_gateway(f"sqlite+aiosqlite:///{folder / 'oms.sqlite3'}") as gateway:
        setup = ExchangeSetup(gateway, venue, folder)
        account_ids = {
            name: await create_account(gateway, venue, name) for name in ("bybit", "binance")
        }
        grants = dict.fromkeys(account_ids.values(), TRADER)
        await gateway.add_key("venue trader", TRADER_KEY, grants=grants)
        gateway.worker.processor.connect = setup._connect
        gateway.start_worker()
        differential = Differential(venue, gateway, account_ids)
        try:
            yield differential
        finally:
            await differential.close()


async def create_account(gateway: InProcessGateway, venue: LoopbackExchange, name: str) -> int:
    """Creates an account of the gateway at a dialect of the exchange; returns its id."""
    return await gateway.store.registry.create_account(
        exchange_id=f"ccxt.{name}",
        label=name,
        position_mode="netting",
        environment="loopback",
        is_testnet=True,
        extra_config=dumps(dict(venue.startup["extra_config"][name])),
        trader_name=None,
        now=datetime.now(UTC),
        audit=AUDIT,
    )


class LoopThread:
    """An event loop in a thread of its own, so that a gateway in it keeps its leases."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def wait(self, awaitable: Coroutine[Any, Any, Result]) -> Result:
        """Runs a coroutine in the loop; returns its result."""
        return asyncio.run_coroutine_threadsafe(awaitable, self._loop).result(SECONDS_MAX)


@contextmanager
def run_loop_thread() -> Iterator[LoopThread]:
    """Yields a running loop."""
    with closing(asyncio.new_event_loop()) as loop:
        thread = Thread(target=loop.run_forever, name="gateway")
        thread.start()
        try:
            yield LoopThread(loop)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


@dataclass(frozen=True)
class Runs:
    """Comparisons in the event loop of a thread."""

    differential: Differential
    thread: LoopThread

    def compare(self, name: str, *steps: Step, **options: Any) -> Comparison:
        """As ``Differential.compare``, blocking."""
        return self.thread.wait(self.differential.compare(name, steps, options))


@contextmanager
def run_differential(folder: Path) -> Iterator[Runs]:
    """Yields comparisons at a loopback exchange of their own."""
    with run_loopback() as venue, run_loop_thread() as thread:
        stack = AsyncExitStack()
        try:
            opened = stack.enter_async_context(open_differential(venue, folder))
            yield Runs(thread.wait(opened), thread)
        finally:
            thread.wait(stack.aclose())


def call(method: str, *args: Any) -> Step:
    """One call with fixed arguments."""
    return lambda exchange, _results: getattr(exchange, method)(*args)


def call_on_last(method: str, *args: Any) -> Step:
    """One call about the order that the call before returned."""
    return lambda exchange, results: getattr(exchange, method)(results[-1]["id"], *args)


def _fails_at(side: Side, count: int) -> bool:
    return side.error is not None and len(side.snapshots) == count


def _changed_by_error(side: Side) -> bool:
    return side.error is not None and side.snapshots[-1] != side.snapshots[-2]


def direct_options(
    name: str, redirected: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Options of ccxt's class ``name`` at the loopback exchange of the config ``redirected``."""
    merged = {**redirected.get("options", {}), **options}
    if name == "binanceusdm":  # its own choice, which the exchange's options override
        merged["fetchMarkets"] = {"types": ["linear"]}
    return merged


def prepare_direct(exchange: Any) -> None:
    """Directs an object of ccxt's to the loopback exchange."""
    exchange.set_sandbox_mode(True)
    # ccxt's own ids repeat where a test seeds the random numbers.
    exchange.uuid22 = lambda: uuid4().hex[:22]


def dialect(name: str) -> str:
    """The dialect of the loopback exchange that serves ccxt's class ``name``."""
    return "binance" if name.startswith("binance") else "bybit"
