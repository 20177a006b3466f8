"""The whole gateway in one process: API, worker and store, wired as in the product.

Different are the notifier, which is local to the process, the exchanges, and that no reconcile
pass is scheduled.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import FastAPI

from kit.databases.schema import create_schema
from kit.http.asgi_client import AsgiClient
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.local_notifier import LocalNotifier
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.adapters.sql.store import SqlStore
from oms.adapters.trading_calendar import LibraryCalendar
from oms.adapters.vault import new_master_key
from oms.api.context import ApiContext
from oms.bootstrap import build_administer, build_signal_vault
from oms.bootstrap.api_process import wire_api
from oms.bootstrap.worker_process import wire_worker
from oms.config import Settings
from oms.config_sections import RunnerSettings
from oms.domain.access import Grant
from oms.domain.account import Engine
from oms.domain.errors import Refused
from oms.ports.exchange import ExchangePorts
from oms.ports.ledger_store import LoadedAccount
from oms.ports.market.trading_calendar import TradingCalendar
from oms.ports.registry import AuditEntry
from oms.services.access.authenticate import hash_key
from oms.worker.main import Worker

USER_AUDIT = AuditEntry(actor="test", action="create_user", entity="user", entity_id="")
KEY_AUDIT = AuditEntry(actor="test", action="create_api_key", entity="api_key", entity_id="")
AUDIT = AuditEntry(actor="test", action="make", entity="thing", entity_id="")
GRANT_AUDIT = AuditEntry(actor="test", action="grant", entity="account", entity_id="")
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
        """Start executing commands; also again after ``stop_worker``."""
        self._stop = asyncio.Event()
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

    async def set_price(
        self,
        symbol: str,
        price: str,
        *,
        account_id: int | None = None,
        key: str | None = None,
        **more: object,
    ) -> None:
        """Sets a manual price, by default of the first account with the trader's key."""
        account_id = account_id or self.account_id
        body = {"account_id": account_id, "symbol": symbol, "price": price} | more
        answer = await self.client("POST", "/paper/price", body, key=key)
        assert answer.status == 200, answer.body

    async def add_account(
        self, mode: str = "netting", extra: str = MANUAL, exchange_id: str = "paper.binance"
    ) -> int:
        """Creates a paper account; returns its id."""
        return await self.store.registry.create_account(
            exchange_id=exchange_id,
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
        user, _ = await registry.create_user(name=name, role=role, now=now(), audit=USER_AUDIT)
        await registry.create_key(
            user_id=user.id,
            key_hash=hash_key(key),
            key_prefix=key[:8],
            label=None,
            expires_at=expires_at,
            now=now(),
            audit=KEY_AUDIT,
        )
        default = {} if role == "admin" else {self.account_id: TRADER}
        for account_id, grant in (default if grants is None else grants).items():
            await registry.grant(
                user_id=user.id, account_id=account_id, grant=grant, now=now(), audit=GRANT_AUDIT
            )
        return key


async def start_trading(gateway: InProcessGateway, price: str = "50000") -> None:
    """Start the worker of the gateway, and give BTC a price."""
    gateway.start_worker()
    await gateway.set_price("BTC/USDT:USDT", price)


def now() -> datetime:
    """The current time in UTC."""
    return SystemClock().now()


@asynccontextmanager
async def open_gateway(
    dsn: str, settings: Settings | None = None
) -> AsyncIterator[InProcessGateway]:
    """A gateway with one netting paper account at manual prices, a trader key and an admin key.

    It has no runner, and expects none.
    """
    await create_schema(dsn)
    changes = {
        "master_key": new_master_key(),
        "signal_key": new_master_key(),
        "runner": RunnerSettings(enabled=False),
    }
    settings = (settings or Settings()).model_copy(update=changes)
    store = await SqlStore.open(dsn, check_account)
    notifier, calendar = LocalNotifier(), LibraryCalendar()
    administer = build_administer(settings, store)
    vault = build_signal_vault(settings)
    app = wire_api(settings, store, notifier=notifier, administer=administer, signal_vault=vault)
    worker = wire_worker(
        settings,
        store,
        name="in-process",
        notifier=notifier,
        connect=partial(connect_paper, calendar=calendar),
        close=_close_nothing,
        calendar=calendar,
    )
    worker.reconcile_scheduler = None
    context: ApiContext = app.state.api_context
    gateway = InProcessGateway(store, app, context, AsgiClient(app), 0, worker)
    gateway.account_id = await gateway.add_account()
    key = await gateway.add_key("trader", "oms_a-trader-for-tests-only")
    await gateway.add_key("admin", ADMIN_KEY, role="admin")
    gateway.client = AsgiClient(app, key)
    async with app.router.lifespan_context(app):
        try:
            yield gateway
        finally:
            await gateway.stop_worker()


@asynccontextmanager
async def open_second(dsn: str, settings: Settings) -> AsyncIterator[FastAPI]:
    """The application of another API process on the database of a gateway."""
    store = await SqlStore.open(dsn, check_account)
    administer = build_administer(settings, store)
    vault = build_signal_vault(settings)
    app = wire_api(
        settings, store, notifier=LocalNotifier(), administer=administer, signal_vault=vault
    )
    async with app.router.lifespan_context(app):
        yield app


class _UnavailableExchange(PaperExchange):
    """Replaces real exchanges: always unavailable."""

    def unavailable_reason(self) -> Refused:
        message = "this gateway serves paper accounts only"
        return Refused(code="engine_unavailable", message=message)


def connect_paper(
    image: LoadedAccount, _on_update: Callable[[], None], *, calendar: TradingCalendar
) -> ExchangePorts:
    """Creates the exchange of a paper account; that of another is unavailable."""
    exchange_class = PaperExchange if image.account.engine is Engine.PAPER else _UnavailableExchange
    exchange = exchange_class.restore(image.account, image.exchange_state, calendar=calendar)
    return ExchangePorts(trading=exchange, calls=exchange, paper=exchange)


async def _close_nothing() -> None:
    """The application closes the store, which both use."""
