"""Comparisons of the driver with ccxt, one gateway and one exchange for all files; a stream.

Gateway and exchange of the comparisons run in a thread until the pytest process ends.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from ccxt_driver import OmsCcxtAsyncExchange
from kit.exchanges.ccxt_differential import Runs, run_differential
from kit.http.scripted_websocket import ScriptedWebSocket, run_scripted_websocket
from kit.http.stub_transport import RepeatingClient

WATCH_SECONDS = 10


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Both sides, ready to trade."""
    with run_differential(tmp_path_factory.mktemp("differential")) as opened:
        yield opened


@pytest.fixture
async def server() -> AsyncIterator[ScriptedWebSocket]:
    """A scripted gateway WebSocket."""
    async with run_scripted_websocket() as running:
        yield running


@pytest.fixture
async def exchange(server: ScriptedWebSocket) -> AsyncIterator[OmsCcxtAsyncExchange]:
    """A driver object connected to ``server``."""
    created = OmsCcxtAsyncExchange(
        api_key="key", account_id=7, base_url=server.base_url, http_client=RepeatingClient()
    )
    created.watch_timeout_seconds = WATCH_SECONDS
    yield created
    await created.close()
