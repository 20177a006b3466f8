"""Seven venues without live tests: recorded replies, and requests as ccxt sends them.

Each is described by a ``Talk``: the routes that place, list and look up orders, and how a recorded
row becomes the row of an own order.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import TAG, CcxtHarness, now
from kit.exchanges.stub_exchange import StubExchange, make_client, now_ms, run_stub_exchange
from oms.adapters.ccxt.client.venue_client import VenueClient
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.sync.order_lookup import OrderLookup
from oms.adapters.ccxt.venues.profile_registry import get_profile

Row = dict[str, Any]


def ids() -> dict[str, Any]:
    """What the venues reply before any request of an account."""
    now = now_ms()
    return {
        "GET /api/v5/public/time": {"code": "0", "data": [{"ts": str(now)}]},
        "GET /api/v5/account/config": {
            "code": "0",
            "data": [{"perm": "read_only,trade", "posMode": "net_mode"}],
        },
        "GET /0/public/Time": {"error": [], "result": {"unixtime": now // 1000}},
        "GET /api/v4/spot/time": {"server_time": now},
        "GET /api/v4/account/detail": {"key": {"mode": 1}},
        "GET /api/v1/timestamp": {"code": "200000", "data": now},
        "GET /api/ua/v1/account/mode": {
            "code": "200000",
            "data": {"selfAccountMode": "CLASSIC"},
        },
        "GET /api/v1/hf/accounts/opened": {"code": "200000", "data": True},
        "GET /api/v2/public/time": {"code": "00000", "data": {"serverTime": str(now)}},
        "GET /dapi/v1/time": {"serverTime": now},
        "GET /v2/clock": {"timestamp": datetime.now(UTC).isoformat(), "is_open": True},
        "GET /v2/account": {"id": "a1", "trading_blocked": False, "account_blocked": False},
        "GET /api/v3/account/settings": {"code": "40084", "msg": "classic", "data": None},
    }


#: The empty reply of each venue.
NOTHING: dict[str, Any] = {
    "okx": {"code": "0", "data": [], "msg": ""},
    "kraken": {"error": [], "result": {}},
    "gate": [],
    "kucoin": {"code": "200000", "data": None},
    "bitget": {"code": "00000", "msg": "success", "data": []},
    "alpaca": [],
    "binancecoinm": [],
}
_COIN_M_PROFITS = ("TAKE_PROFIT", "TAKE_PROFIT_MARKET")
MARKETS: dict[str, list[dict[str, Any]]] = {
    "okx": [
        {"id": "ETH-USDT", "pair": ("ETH", "USDT")},
        {"id": "BTC-USDT-SWAP", "pair": ("BTC", "USDT"), "contract": 0.01, "step": "0.01"},
    ],
    "kraken": [
        {"id": "XBTUSDT", "pair": ("BTC", "USDT"), "base_id": "XXBT"},
    ],
    "gate": [
        {"id": "ETH_USDT", "pair": ("ETH", "USDT")},
        {"id": "ADA_USDT", "pair": ("ADA", "USDT")},
        {
            "id": "ETH_USDT",
            "pair": ("ETH", "USDT"),
            "contract": 0.01,
            "step": "1",
            "settle_id": "usdt",
        },
    ],
    "kucoin": [
        {"id": "LTC-USDT", "pair": ("LTC", "USDT")},
        {"id": "XBTUSDTM", "pair": ("BTC", "USDT"), "contract": 0.001, "step": "1"},
    ],
    "bitget": [
        {"id": "BTCUSDT", "pair": ("BTC", "USDT")},
        {"id": "BTCUSDT", "pair": ("BTC", "USDT"), "contract": 1, "step": "0.001"},
    ],
    "alpaca": [
        {"id": "LTC/USDT", "pair": ("LTC", "USDT")},
    ],
    "binancecoinm": [
        {
            "id": "ETHUSD_PERP",
            "pair": ("ETH", "USD"),
            "contract": 10,
            "step": "1",
            "inverse": True,
            "info": {"orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", *_COIN_M_PROFITS]},
        },
    ],
}
ENVIRONMENTS = {
    "okx": "testnet",
    "kraken": "loopback",
    "gate": "testnet",
    "kucoin": "loopback",
    "bitget": "demo",
    "alpaca": "testnet",
    "binancecoinm": "loopback",
}


@dataclass
class Place:
    """One running venue, a client of it, and a harness where one is opened."""

    name: str
    venue: StubExchange
    folder: Path
    clients: list[VenueClient] = field(default_factory=list)

    def client(self, environment: str | None = None) -> VenueClient:
        """A client that is not open yet."""
        where = environment or ENVIRONMENTS[self.name]
        made = make_client(self.name, where, self.venue.base_url, MARKETS[self.name], self.folder)
        self.clients.append(made)
        return made

    async def opened(self, environment: str | None = None) -> VenueClient:
        """A client that is open."""
        client = self.client(environment)
        await client.open()
        return client

    def lookup(self, client: VenueClient) -> OrderLookup:
        """Looks up orders by this client."""
        orders = OrderCache(ClientOrderIdCodec(TAG))
        profile = get_profile(self.name)
        return OrderLookup(client, self.name, profile, now, orders)

    async def harness(self, **changes: Any) -> CcxtHarness:
        """A harness that polls and trades."""
        arguments = {"make_client": self.client, "exchange_id": f"ccxt.{self.name}"} | changes
        return await CcxtHarness(**arguments).start().wait_ready()


@pytest.fixture
async def places(tmp_path: Path) -> AsyncIterator[Callable[[str], Place]]:
    """Makes venues, and closes them with their clients."""
    running: list[tuple[Any, Place]] = []

    def make(name: str) -> Place:
        context = run_stub_exchange(NOTHING[name])
        venue = context.__enter__()
        venue.answers |= ids()
        place = Place(name, venue, tmp_path)
        running.append((context, place))
        return place

    yield make
    for context, place in running:
        for client in place.clients:
            await client.close()
        context.__exit__(None, None, None)
