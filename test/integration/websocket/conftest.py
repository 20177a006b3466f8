"""A gateway whose ``/ws`` is served on a TCP port."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.gateway.in_process import InProcessGateway, open_gateway, start_trading
from kit.http.http_server import serve_http
from oms.config import Settings

KEY = "oms_a-trader-for-tests-only"
PRICE = "50000"


@dataclass(frozen=True, slots=True)
class ServedGateway:
    """A gateway with a running worker, served on a port."""

    gateway: InProcessGateway
    url: str
    dsn: str

    @property
    def account_id(self) -> int:
        """The gateway's account."""
        return self.gateway.account_id

    async def trade(self, count: int = 1, **payload: object) -> None:
        """Send orders sequentially and wait for each."""
        for _ in range(count):
            answer = await self.gateway.order("?wait_ms=5000", **payload)
            assert answer.status == 200, answer.body

    async def head(self) -> int:
        """Return the last sequence number of the account."""
        heads = await self.gateway.store.history.heads([self.account_id])
        return heads[self.account_id]


MakeServedGateway = Callable[..., AbstractAsyncContextManager[ServedGateway]]


@pytest.fixture
def make_served(tmp_path: Path) -> MakeServedGateway:
    """Opens served gateways with their own settings of ``events``."""

    @asynccontextmanager
    async def make(
        send_buffer: int | None = None, **events: object
    ) -> AsyncIterator[ServedGateway]:
        settings = Settings.model_validate({"access_cache_seconds": 0, "events": events})
        dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
        async with (
            open_gateway(dsn, settings) as gateway,
            serve_http(gateway.app, events=settings.events, send_buffer=send_buffer) as server,
        ):
            await start_trading(gateway, PRICE)
            yield ServedGateway(gateway, server.websocket_url, dsn)

    return make


@pytest.fixture
async def served(make_served: MakeServedGateway) -> AsyncIterator[ServedGateway]:
    """A served gateway with default settings."""
    async with make_served() as made:
        yield made
