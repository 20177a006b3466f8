"""Whole programs for ccxt, run with ccxt and with the driver: the orders that arrive are compared.

Each run has a new account at one loopback exchange. A program gets the module of ccxt that it
imports, in which the classes of exchanges are replaced: on one side by subclasses that connect to
the loopback exchange, on the other by those of autopatch, which connect to a gateway over HTTP.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import ccxt

from ccxt_driver.patching import _replacement_class
from interop.scripts.registry import Group, Script
from kit.exchanges.ccxt_differential import (
    TERMS,
    LoopThread,
    Order,
    create_account,
    dialect,
    direct_options,
    prepare_direct,
    run_loop_thread,
)
from kit.exchanges.ccxt_harness import FAST_TIMINGS
from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import TRADER, InProcessGateway, open_gateway
from kit.http.http_server import serve_http
from kit.polling import poll_until
from oms.domain.value import evolve

PRICES = {"BTC": "60000", "ETH": "3000", "LTC": "80", "XRP": "0.5", "DOGE": "0.1"}
BALANCES = dict.fromkeys(("USDT", "BTC", "ETH", "XRP"), "1000000")
SECONDS_MAX = 20
LONG_PAUSE_MS = 1000
#: Accounts stay connected after their program: they poll rarely.
TIMINGS = evolve(FAST_TIMINGS, live_poll_seconds=2, idle_poll_seconds=60)
#: Its certificates take a tenth of a second to read.
_SSL_CONTEXT = ssl.create_default_context()


@dataclass
class Side:
    """What a program left at the exchange, and what it raised."""

    orders: list[Order] = field(default_factory=list)
    error: BaseException | None = None

    def __str__(self) -> str:
        return "\n    ".join([repr(self.error), *map(str, self.orders)])


@dataclass(frozen=True)
class Outcome:
    """Both sides of one program."""

    direct: Side
    driver: Side

    @property
    def is_equal(self) -> bool:
        """Whether both left the same orders, and the driver raised what ccxt did, or neither."""
        direct, driver = type(self.direct.error), type(self.driver.error)
        # The driver's exceptions are subclasses of ccxt's with the same names.
        is_same_end = issubclass(driver, direct) and driver.__name__ == direct.__name__
        return is_same_end and self.direct.orders == self.driver.orders

    @property
    def is_part(self) -> bool:
        """Whether each order of the driver is one of ccxt, or the same but reduce-only."""
        remaining = list(self.direct.orders)
        for order in self.driver.orders:
            same = next((each for each in remaining if _is_same_or_stricter(order, each)), None)
            if same is None:
                return False
            remaining.remove(same)
        return True

    def __str__(self) -> str:
        return f"\n  ccxt: {self.direct}\n  driver: {self.driver}"


@dataclass
class ScriptRuns:
    """Runs programs beside a gateway in another thread."""

    venue: LoopbackExchange
    gateway: InProcessGateway
    setup: ExchangeSetup
    base_url: str
    thread: LoopThread
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def compare(self, script: Script) -> Outcome:
        """Runs a program on both sides at the same time."""
        number = next(self._numbers)
        direct, through = f"ccxt-{number}", f"gateway-{number}"
        for name in (direct, through):
            self.venue.add_account(name, BALANCES)
        with ThreadPoolExecutor(2) as pool:
            sides = (
                pool.submit(self._run, script, direct, self._direct_class(script.group, direct)),
                pool.submit(self._run, script, through, self._driver_class(script.group, through)),
            )
        return Outcome(*(side.result() for side in sides))

    def _run(self, script: Script, account: str, make_class: Callable[[str], type]) -> Side:
        side, opened = Side(), []
        module = _Module(import_module(script.group), make_class, opened)
        try:
            if script.group is Group.SYNC:
                with ExitStack() as stack:
                    stack.callback(lambda: [exchange.close() for exchange in opened])
                    script.run(module)
            else:
                asyncio.run(_run_until_closed(script.run(module), opened))
        except Exception as raised:  # noqa: BLE001
            side.error = raised
        orders = self.venue.books(account)["orders"]
        side.orders = [{name: row[name] for name in TERMS} for row in orders]
        if script.sends_at_once:
            side.orders.sort(key=str)
        return side

    def _direct_class(self, group: Group, key: str) -> Callable[[str], type]:
        module = import_module(group)

        def make(name: str) -> type:
            original = getattr(module, name)
            redirected = self.venue.config(key, dialect(name))

            def __init__(self: Any, config: Mapping[str, Any] | None = None) -> None:
                given = config or {}
                options = direct_options(name, redirected, given.get("options", {}))
                config = {**given, **redirected, "options": options, "ssl_context": _SSL_CONTEXT}
                original.__init__(self, config)
                prepare_direct(self)
                if group is Group.PRO:
                    self.sleep = partial(_pause, self._has_streams)

            has_streams = staticmethod(lambda: any(self.venue.control("streams")["streams"]))
            return type(name, (original,), {"__init__": __init__, "_has_streams": has_streams})

        return make

    def _driver_class(self, group: Group, key: str) -> Callable[[str], type]:
        class_name = "OmsCcxtExchange" if group is Group.SYNC else "OmsCcxtAsyncExchange"
        accounts: dict[str, dict[str, Any]] = {}

        def make(name: str) -> type:
            where = dialect(name)
            if where not in accounts:
                accounts[where] = self.thread.wait(self._add_account(where, key))
            patched = _replacement_class(name, class_name, getattr(import_module(group), name))

            def __init__(self: Any, config: Mapping[str, Any] | None = None) -> None:
                patched.__init__(self, {**(config or {}), **accounts[where]})
                if group is Group.PRO:
                    self.sleep = partial(_pause, lambda: self._current_stream().is_live)

            return type(name, (patched,), {"__init__": __init__})

        return make

    async def _add_account(self, where: str, key: str) -> dict[str, Any]:
        account_id = await create_account(self.gateway, self.venue, where)
        self.setup.keys[account_id] = key
        api_key = f"oms_{key}-at-{where}-for-tests"
        await self.gateway.add_key(f"{key} {where}", api_key, grants={account_id: TRADER})
        return {"apiKey": api_key, "accountId": account_id, "baseUrl": self.base_url}


class _Module:
    """A module of ccxt with other classes of exchanges."""

    def __init__(
        self, module: ModuleType, make_class: Callable[[str], type], opened: list[Any]
    ) -> None:
        self._module, self._make_class, self._opened = module, make_class, opened
        self._classes: dict[str, type] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in ccxt.exchanges:
            return getattr(self._module, name)
        if name not in self._classes:
            made, opened = self._make_class(name), self._opened

            def __init__(self: Any, config: Mapping[str, Any] | None = None) -> None:
                opened.append(self)
                made.__init__(self, config)

            self._classes[name] = type(name, (made,), {"__init__": __init__})
        return self._classes[name]


def _is_same_or_stricter(order: Order, other: Order) -> bool:
    return order in (other, {**other, "reduce_only": True})


async def _pause(is_over: Callable[[], bool], milliseconds: float) -> None:
    """A long pause lasts until the streams are subscribed to; ccxt itself makes short ones."""

    async def read() -> bool:
        return is_over()

    if milliseconds >= LONG_PAUSE_MS:
        await poll_until(read, bool)
    else:
        await asyncio.sleep(milliseconds / 1000)


async def _run_until_closed(program: Awaitable[Any], opened: list[Any]) -> None:
    try:
        async with asyncio.timeout(SECONDS_MAX):
            await program
    finally:
        for exchange in opened:
            await exchange.close()


@asynccontextmanager
async def _open(venue: LoopbackExchange, folder: Path, thread: LoopThread) -> AsyncIterator[Any]:
    for currency, price in PRICES.items():
        for symbol in (f"{currency}/USDT", f"{currency}/USDT:USDT"):
            venue.control("price", symbol=symbol, price=price)
    venue.control("price", symbol="ETH/BTC", price="0.05")
    async with open_gateway(f"sqlite+aiosqlite:///{folder / 'oms.sqlite3'}") as gateway:
        setup = ExchangeSetup(gateway, venue, folder, timings=TIMINGS)
        gateway.worker.processor.connect = setup._connect
        gateway.start_worker()
        async with serve_http(gateway.app) as server:
            base_url = f"http://127.0.0.1:{server.port}"
            yield ScriptRuns(venue, gateway, setup, base_url, thread)


@contextmanager
def run_scripts(folder: Path) -> Iterator[ScriptRuns]:
    """Yields comparisons at a loopback exchange of their own."""
    with run_loopback() as venue, run_loop_thread() as thread:
        stack = AsyncExitStack()
        try:
            yield thread.wait(stack.enter_async_context(_open(venue, folder, thread)))
        finally:
            thread.wait(stack.aclose())
