"""A gateway per test, with a receiver of webhooks on this machine."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kit.gateway.in_process import open_gateway, start_trading
from kit.notifications.notified import Notified
from kit.notifications.sink_server import open_sink_server
from oms.config import Settings

SETTINGS = {"notify": {"allow_private": True}, "access_cache_seconds": 0, "lease_seconds": 10}


@pytest.fixture
async def notified(tmp_path: Path) -> AsyncIterator[Notified]:
    """A trading gateway with a receiver; no runner runs yet."""
    dsn = f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3"
    async with AsyncExitStack() as outer:
        server = await outer.enter_async_context(open_sink_server())
        mirror = {"desk": {"audit_log_path": tmp_path / "audit.jsonl"}}
        settings = Settings.model_validate(SETTINGS | mirror)
        gateway = await outer.enter_async_context(open_gateway(dsn, settings))
        await start_trading(gateway)
        stack = await outer.enter_async_context(AsyncExitStack())
        yield Notified(gateway, server, stack)
