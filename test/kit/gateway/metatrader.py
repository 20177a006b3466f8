"""A gateway in a thread for programs that use ``mt5_driver``, with paper accounts.

Most have prices that a test sets, two those of a random walk; some hedge, some net. Requests of the
slow ones reach their exchange when a test says so, and others trade a stock.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import mt5_driver as mt5
from kit.exchanges.ccxt_differential import LoopThread, run_loop_thread
from kit.exchanges.deferred_exchange import DeferredExchange, connect_deferred
from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway, open_gateway
from kit.http.http_server import serve_http
from oms.domain.value import evolve
from oms.ports.exchange import ExchangePorts
from oms.ports.ledger_store import LoadedAccount

KEY = "oms_a-key-for-metatrader-programs"
BTC, ETH, COIN = "BTC/USDT:USDT", "ETH/USDT:USDT", "BTC/USDT"
STOCK = "AAPL"
#: Names of programs: one lot of EURUSD is 1000 XRP.
SYMBOLS = f"BTCUSD={BTC},ETHUSD={ETH},EURUSD=XRP/USDT:USDT*1000"
PRICE = "50000"
#: Coins have no legs at an exchange: opposite tickets of them are kept by the gateway alone.
_SPOT_SHORT = '{"oms":{"paper":{"source":"manual","allow_spot_short":true,"commission":0}}}'
_WALK = '{"oms":{"paper":{"seed":7}}}'
_STOCKS = '{"oms":{"paper":{"source":"manual","stocks":["AAPL"],"balances":{"USD":100000}}}}'


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

    def add_key(self, name: str, account: str, **restrictions: object) -> str:
        """Creates a trader with a key to one account; returns the key.

        Names of flags of the permission are flags, all others restrict the key.
        """
        permission: dict[str, object] = {"account_id": self.accounts[account]}
        flags = ("can_trade", "can_close_position", "restrict_to_strategies", "strategy_ids")
        permission |= {"can_trade": True, "can_close_position": True}
        permission |= {flag: restrictions.pop(flag) for flag in flags if flag in restrictions}
        body = {
            "user_name": name,
            "password": f"a password of {name}",
            "permissions": [permission],
            "restrictions": restrictions,
        }
        made = self.request("POST", "/admin/users-with-api-key", body, key=ADMIN_KEY)
        return str(made["api_key_plain"])

    def deferred(self, account: str) -> DeferredExchange:
        """Returns the exchange of a slow account."""
        exchange = self.gateway.worker.processor.states[self.accounts[account]].exchange
        assert isinstance(exchange, DeferredExchange)
        return exchange

    def command(self, account: str, command: str, **payload: Any) -> Any:
        """Returns the result of a command."""
        body = {"account_id": self.accounts[account], "command": command, "payload": payload}
        return self.request("POST", "/oms/commands?wait_ms=5000", body)["results"][0]

    def set_price(self, account: str, price: str, symbol: str = BTC) -> None:
        """Sets the price of a symbol on an account with manual prices."""
        account_id = self.accounts[account]
        self.thread.wait(self.gateway.set_price(symbol, price, account_id=account_id, key=KEY))

    def set_book(self, account: str, **levels: object) -> None:
        """Sets ``bid``, ``ask``, ``bid_qty`` and ``ask_qty`` of Bitcoin."""
        body = {"account_id": self.accounts[account], "symbol": BTC, **levels}
        self.request("POST", "/paper/price", body)

    def flatten(self, account: str) -> None:
        """Cancels the orders and closes the positions of an account."""
        self.command(account, "close_all")


@asynccontextmanager
async def _open(dsn: str, thread: LoopThread) -> AsyncIterator[MetaTraderGateway]:
    async with open_gateway(dsn) as gateway:
        accounts = {
            "netting": gateway.account_id,
            "hedge": await gateway.add_account("hedge"),
            "virtual": await gateway.add_account("hedge", _SPOT_SHORT),
            "killed-netting": await gateway.add_account("netting"),
            "killed-hedge": await gateway.add_account("hedge"),
            "walk-netting": await gateway.add_account("netting", _WALK),
            "walk-hedge": await gateway.add_account("hedge", _WALK),
            "slow-netting": await gateway.add_account("netting"),
            "slow-hedge": await gateway.add_account("hedge"),
            "stock-netting": await gateway.add_account("netting", _STOCKS),
            "stock-hedge": await gateway.add_account("hedge", _STOCKS),
        }
        _connect_slow(gateway, {accounts["slow-netting"], accounts["slow-hedge"]})
        grant = evolve(TRADER, can_risk_manage=True, can_block_new_positions=True)
        await gateway.add_key("metatrader", KEY, grants=dict.fromkeys(accounts.values(), grant))
        gateway.start_worker()
        async with serve_http(gateway.app) as server:
            url = f"http://127.0.0.1:{server.port}"
            yield MetaTraderGateway(gateway, thread, url, accounts)


def _connect_slow(gateway: InProcessGateway, account_ids: set[int]) -> None:
    """Gives accounts exchanges whose requests are sent after they were stored."""
    processor = gateway.worker.processor
    others = processor.connect

    def connect(image: LoadedAccount, on_update: Callable[[], None]) -> ExchangePorts:
        is_slow = image.account.id in account_ids
        return (connect_deferred if is_slow else others)(image, on_update)

    processor.connect = connect


@contextmanager
def run_metatrader_gateway(dsn: str) -> Iterator[MetaTraderGateway]:
    """Yields the gateway with a price of Bitcoin, and closes the driver's connection after it."""
    with run_loop_thread() as thread:
        stack = AsyncExitStack()
        try:
            running = thread.wait(stack.enter_async_context(_open(dsn, thread)))
            for account in (each for each in running.accounts if "walk" not in each):
                running.set_price(account, PRICE)
            running.set_price("virtual", PRICE, COIN)
            for account in ("stock-netting", "stock-hedge"):
                running.set_price(account, "100", STOCK)
            yield running
        finally:
            mt5.shutdown()
            thread.wait(stack.aclose())
