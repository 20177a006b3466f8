"""The whole gateway in one process: API, worker and store.

All components are the real ones, except the notifier, which is local to the process.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from kit.databases.schema import create_schema
from kit.gateway.local_notifier import LocalNotifier
from kit.gateway.wiring import build_api_context, build_worker
from kit.http.asgi_client import AsgiClient
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.api.app import create_app
from oms.api.context import ApiContext
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.server import WebSocketServer
from oms.config import Settings
from oms.domain.access import Grant
from oms.ports.registry import AuditEntry
from oms.services.access.authenticate import hash_key
from oms.worker.main import Worker

AUDIT = AuditEntry(actor="test", action="make", entity="thing", entity_id="")
TRADER = Grant(can_trade=True, can_close_position=True)
ADMIN_KEY = "oms_an-admin-for-tests-only"
MANUAL = '{"oms":{"paper":{"source":"manual"}}}'


@dataclass(slots=True)
class InProcessGateway:
    """A running gateway: its app, its store, its worker, and a client with the trader's key."""

    store: SqlStore
    app: FastAPI
    api_context: ApiContext
    client: AsgiClient
    account_id: int
    worker: Worker
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _worker_task: "asyncio.Task[None] | None" = None

    def start_worker(self) -> None:
        """Start executing commands."""
        self._worker_task = asyncio.create_task(self.worker.run(self._stop))

    async def stop_worker(self) -> None:
        """Stop executing commands."""
        if self._worker_task is not None:
            self._stop.set()
            await self._worker_task
            self._worker_task = None

    async def order(self, query: str = "", **payload: object) -> Any:
        """Sends a small market buy, changed by ``payload``; returns the response."""
        return await self.client("POST", f"/oms/commands{query}", self.command(**payload))

    def command(self, **payload: object) -> dict[str, Any]:
        """The request body of a small market buy, changed by ``payload``."""
        order = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}
        return {
            "account_id": self.account_id,
            "command": "send_order",
            "payload": order | payload,
        }

    async def add_account(self, mode: str = "netting", extra: str = MANUAL) -> int:
        """Creates a paper account; returns its id."""
        return await self.store.registry.create_account(
            exchange_id="paper.binance",
            label=f"paper {mode}",
            position_mode=mode,
            environment="paper",
            is_testnet=False,
            extra_config=extra,
            trader_name=None,
            now=now(),
            audit=AUDIT,
        )

    async def add_key(
        self,
        name: str,
        key: str,
        role: str = "trader",
        expires_at: datetime | None = None,
        grants: dict[int, Grant] | None = None,
    ) -> str:
        """Creates a user and a key; by default the user may trade on the first account."""
        registry = self.store.registry
        user, _ = await registry.create_user(name=name, role=role, now=now(), audit=AUDIT)
        await registry.create_key(
            user_id=user.id,
            key_hash=hash_key(key),
            key_prefix=key[:8],
            label=None,
            expires_at=expires_at,
            now=now(),
            audit=AUDIT,
        )
        default = {} if role == "admin" else {self.account_id: TRADER}
        for account_id, grant in (default if grants is None else grants).items():
            await registry.grant(
                user_id=user.id, account_id=account_id, grant=grant, now=now(), audit=AUDIT
            )
        return key


def now() -> datetime:
    """The current time in UTC."""
    return SystemClock().now()


@asynccontextmanager
async def open_gateway(
    dsn: str, settings: Settings | None = None
) -> AsyncIterator[InProcessGateway]:
    """A gateway with one netting paper account at manual prices, a trader key and an admin key."""
    await create_schema(dsn)
    store = await SqlStore.open(dsn, check_account)
    notifier = LocalNotifier()
    api_context = build_api_context(store, notifier, settings or Settings())
    feed = EventFeed(history=store.history, wait_notified=api_context.result_waiter.wait_notified)
    app = create_app(replace(api_context, websocket=WebSocketServer(api_context, feed)))
    worker = build_worker(store, notifier)
    gateway = InProcessGateway(store, app, api_context, AsgiClient(app), 0, worker)
    gateway.account_id = await gateway.add_account()
    key = await gateway.add_key("trader", "oms_a-trader-for-tests-only")
    await gateway.add_key("admin", ADMIN_KEY, role="admin")
    gateway.client = AsgiClient(app, key)
    async with app.router.lifespan_context(app):
        try:
            yield gateway
        finally:
            await gateway.stop_worker()
    await store.close()
