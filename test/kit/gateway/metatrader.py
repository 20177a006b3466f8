"""A gateway in a thread for programs that use ``mt5_driver``, with paper accounts.

One half has prices that a test sets, the others those of a random walk; some hedge, some net.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mt5_driver as mt5
from kit.exchanges.ccxt_differential import LoopThread, run_loop_thread
from kit.gateway.in_process import TRADER, InProcessGateway, open_gateway
from kit.http.http_server import serve_http
from oms.domain.value import evolve

KEY = "oms_a-key-for-metatrader-programs"
BTC, ETH, COIN = "BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT"
#: Names of programs: one lot of EURUSD is 1000 XRP.
SYMBOLS = f"BTCUSD={BTC},ETHUSD={ETH},EURUSD=XRP/USDT:USDT*1000"
PRICE = "50000"
#: Coins have no legs at an exchange: opposite tickets of them are kept by the gateway alone.
_SPOT_SHORT = '{"oms":{"paper":{"source":"manual","allow_spot_short":true,"commission":0}}}'


@dataclass
class MetaTraderGateway:
    """A running gateway, its address, and its accounts by name."""

    gateway: InProcessGateway
    thread: LoopThread
    base_url: str
    accounts: dict[str, int] = field(default_factory=dict)

    def environment(self, account: str) -> dict[str, str]:
        """Returns the environment of a program that trades on an account."""
        return {
            "OMS_BASE_URL": self.base_url,
            "OMS_API_KEY": KEY,
            "OMS_ACCOUNT_ID": str(self.accounts[account]),
            "OMS_MT5_SYMBOLS": SYMBOLS,
        }

    def request(self, method: str, path: str, body: Any = None, key: str = KEY) -> Any:
        """Returns the body of a request, which does not fail."""
        answer = self.thread.wait(self.gateway.client(method, path, body, key=key))
        assert answer.status < 300, answer.body
        return answer.json()

    def command(self, account: str, command: str, **payload: Any) -> Any:
        """Returns the result of a command."""
        body = {"account_id": self.accounts[account], "command": command, "payload": payload}
        return self.request("POST", "/oms/commands?wait_ms=5000", body)["results"][0]

    def set_price(self, account: str, price: str, symbol: str = BTC) -> None:
        """Sets the price of a symbol on an account with manual prices."""
        account_id = self.accounts[account]
        self.thread.wait(self.gateway.set_price(symbol, price, account_id=account_id, key=KEY))

    def flatten(self, account: str) -> None:
        """Cancels the orders and closes the positions of an account."""
        self.command(account, "close_all")


@asynccontextmanager
async def _open(folder: Path, thread: LoopThread) -> AsyncIterator[MetaTraderGateway]:
    async with open_gateway(f"sqlite+aiosqlite:///{folder / 'oms.sqlite3'}") as gateway:
        accounts = {
            "netting": gateway.account_id,
            "hedge": await gateway.add_account("hedge"),
            "virtual": await gateway.add_account("hedge", _SPOT_SHORT),
            "killed-netting": await gateway.add_account("netting"),
            "killed-hedge": await gateway.add_account("hedge"),
            "walk-netting": await gateway.add_account("netting", '{"oms":{"paper":{"seed":7}}}'),
            "walk-hedge": await gateway.add_account("hedge", '{"oms":{"paper":{"seed":7}}}'),
        }
        grant = evolve(TRADER, can_risk_manage=True, can_block_new_positions=True)
        await gateway.add_key("metatrader", KEY, grants=dict.fromkeys(accounts.values(), grant))
        gateway.start_worker()
        async with serve_http(gateway.app) as server:
            url = f"http://127.0.0.1:{server.port}"
            yield MetaTraderGateway(gateway, thread, url, accounts)


@contextmanager
def run_metatrader_gateway(folder: Path) -> Iterator[MetaTraderGateway]:
    """Yields the gateway with a price of Bitcoin, and closes the driver's connection after it."""
    with run_loop_thread() as thread:
        stack = AsyncExitStack()
        try:
            running = thread.wait(stack.enter_async_context(_open(folder, thread)))
            for account in (each for each in running.accounts if "walk" not in each):
                running.set_price(account, PRICE)
            running.set_price("virtual", PRICE, COIN)
            yield running
        finally:
            mt5.shutdown()
            thread.wait(stack.aclose())
