"""An office whose ``/ws`` is served on a real port."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.gateway.in_process import InProcessGateway, open_gateway
from kit.http.websocket_client import serve_app
from oms.config import Settings

KEY = "oms_a-trader-for-tests-only"
PRICE = "50000"


@dataclass(frozen=True, slots=True)
class Studio:
    """A busy office on the air."""

    gateway: InProcessGateway
    url: str
    dsn: str

    @property
    def account_id(self) -> int:
        """Its account."""
        return self.gateway.account_id

    async def trade(self, count: int = 1, **payload: object) -> None:
        """Send orders one after the other and wait for each."""
        for _ in range(count):
            answer = await self.gateway.order("?wait_ms=5000", **payload)
            assert answer.status == 200, answer.body

    async def head(self) -> int:
        """The account's last number."""
        heads = await self.gateway.store.history.heads([self.account_id])
        return heads[self.account_id]


MakeStudio = Callable[..., AbstractAsyncContextManager[Studio]]


@pytest.fixture
def make_studio(tmp_path: Path) -> MakeStudio:
    """Opens studios with settings of ``events`` of their own."""

    @asynccontextmanager
    async def make(send_buffer: int | None = None, **events: object) -> AsyncIterator[Studio]:
        settings = Settings.model_validate({"access_cache_seconds": 0, "events": events})
        dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
        async with (
            open_gateway(dsn, settings) as gateway,
            serve_app(gateway.app, settings.events, send_buffer=send_buffer) as url,
        ):
            gateway.start_worker()
            price = {"account_id": gateway.account_id, "symbol": "BTC/USDT:USDT", "price": PRICE}
            answer = await gateway.client("POST", "/paper/price", price)
            assert answer.status == 200, answer.body
            yield Studio(gateway, url, dsn)

    return make


@pytest.fixture
async def studio(make_studio: MakeStudio) -> AsyncIterator[Studio]:
    """One with the default settings."""
    async with make_studio() as made:
        yield made
