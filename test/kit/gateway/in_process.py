"""The whole gateway in one process: API, worker and store.

All components are the real ones, except the notifier, which is local to the process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fastapi import FastAPI

from kit.databases.schema import create_schema
from kit.gateway.local_notifier import LocalNotifier
from kit.gateway.wiring import build_admin_service
from kit.http.asgi_client import AsgiClient
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.exchange_catalog import VenueCatalog
from oms.adapters.paper.mark_prices import PaperMarks
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.adapters.sql.store import SqlStore
from oms.api.app import create_app
from oms.api.context import ApiContext
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.rate_limits import RateLimiter
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.server import WebSocketServer
from oms.config import Settings
from oms.domain.access import Grant
from oms.domain.account import Engine
from oms.domain.errors import Refused
from oms.ports.exchange import ExchangePorts
from oms.ports.ledger_store import LoadedAccount
from oms.ports.registry import AuditEntry
from oms.services.access.authenticate import hash_key
from oms.services.access.chain_audit import ChainAudit
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.commit import CommitBatches
from oms.services.admin_mutate.mutate_rows import build_mutate_rows
from oms.services.commands.bulk_close import BulkClose
from oms.services.commands.execute import ExecuteCommand
from oms.services.commands.kill_switch import KillSwitchCache
from oms.services.commands.notional_limits import NotionalLimits
from oms.services.commands.place_order import PlaceOrder
from oms.services.commands.position_ops import PositionOps
from oms.services.commands.strategy_links import StrategyLinkRefresh
from oms.services.exchange_sync.poll_exchange import PollExchange
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.record import RecordReports
from oms.services.queries.ledger_queries import LedgerQueries
from oms.services.reconcile import ReconcileAccount
from oms.services.reconcile.raw_payloads import RawPayloadRecorder
from oms.services.submission.enqueue import Enqueue
from oms.services.submission.queue_depth import QueueDepthLimiter
from oms.services.submission.result_waiter import ResultWaiter
from oms.services.submission.submit import Submit
from oms.worker.commit_pipeline import CommitPipeline
from oms.worker.dispatch import CommandProcessor
from oms.worker.housekeeping import Housekeeping
from oms.worker.leases import LeaseKeeper
from oms.worker.main import Worker
from oms.worker.wakeup_listener import UpdatedAccounts, WakeupListener

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
    api_context = _build_api_context(store, notifier, settings or Settings())
    feed = EventFeed(history=store.history, wait_notified=api_context.result_waiter.wait_notified)
    app = create_app(replace(api_context, websocket=WebSocketServer(api_context, feed)))
    worker = _build_worker(store, notifier)
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


def _build_api_context(store: SqlStore, notifier: LocalNotifier, settings: Settings) -> ApiContext:
    clock = SystemClock()
    commands = settings.commands
    queue_depths = QueueDepthLimiter(
        queue=store.queue, clock=clock, depth_max=commands.queue_depth_max
    )
    queries = LedgerQueries(registry=store.registry, history=store.history, queue=store.queue)
    administer = build_admin_service(store, settings)
    return ApiContext(
        settings=settings,
        version="0.0.0",
        clock=clock,
        authenticate=administer.authenticate,
        administer=administer,
        submit=Submit(
            queue=store.queue,
            history=store.history,
            registry=store.registry,
            ids=store.ids,
            clock=clock,
            enqueue=Enqueue(queue=store.queue, notifier=notifier, batch_max=commands.batch_max),
            depths=queue_depths,
            idempotency_hours=commands.idempotency_hours,
        ),
        result_waiter=ResultWaiter(queue=store.queue, notifier=notifier),
        queries=queries,
        history=store.history,
        reconciliations=store.reconcile_store,
        leases=store.leases,
        exchange_catalog=VenueCatalog(),
        queue_depths=queue_depths,
        notifier=notifier,
        health=store,
        rate_limiter=RateLimiter(limits=settings.limits, now=time.monotonic),
        request_metrics=RequestMetrics(started_at=clock.now()),
        metrics_query=store.metrics,
        idempotent_responses=store.idempotent_responses,
        raw_payloads=store.raw_payloads,
        kill_switches=store.kill_switches,
        mark_prices=PaperMarks(store.registry, store.paper_prices, clock),
    )


def _build_worker(store: SqlStore, notifier: LocalNotifier) -> Worker:
    clock = SystemClock()
    record = RecordReports(
        ledger=store.ledger, ids=store.ids, load_history=LoadHistory(ledger=store.ledger)
    )
    client_ids = iter(range(1, 10**9))
    permissions = CommandPermissions(registry=store.registry, cache_seconds=1)
    place = PlaceOrder(
        ledger=store.ledger,
        record=record,
        ids=store.ids,
        new_client_order_id=lambda: f"NAME{next(client_ids):022d}",
        notional_limits=NotionalLimits(permissions=permissions, usage=store.key_usage),
    )
    position_ops = PositionOps(
        ledger=store.ledger,
        record=record,
        ids=store.ids,
        place=place,
        load_history=record.load_history,
    )
    execute = ExecuteCommand(
        ledger=store.ledger,
        record=record,
        mutate=build_mutate_rows(
            ledger=store.ledger,
            history=store.history,
            audit=store.verification_reads,
            ids=store.ids,
            record=record,
            permissions=permissions,
            position_ops=position_ops,
        ),
        kill_switches=KillSwitchCache(kills=store.kill_switches),
        reconcile=ReconcileAccount(
            ledger=store.ledger,
            record=record,
            ids=store.ids,
            rows=store.reconcile_store,
            raw=RawPayloadRecorder(rows=store.raw_payloads, ids=store.ids),
        ),
        permissions=permissions,
        strategy_links=StrategyLinkRefresh(registry=store.registry, cache_seconds=1),
        place=place,
        bulk_close=BulkClose(place=place),
        position_ops=position_ops,
        max_queue_seconds=60,
    )
    keeper = LeaseKeeper(owner="in-process", leases=store.leases, seconds=5, only=())
    listener = WakeupListener(notifier=notifier)
    processor = CommandProcessor(
        keeper=keeper,
        clock=clock,
        queue=store.queue,
        ledger=store.ledger,
        execute=execute,
        record=record,
        poll_exchange=PollExchange(
            record=record, reconcile=execute.reconcile, flatten=execute.flatten()
        ),
        pipeline=CommitPipeline(
            commit=CommitBatches(ledger=store.ledger, notifier=notifier, clock=clock)
        ),
        connect=_connect,
        updated=UpdatedAccounts(listener=listener),
        batch_max=500,
    )
    return Worker(
        name="in-process",
        processor=processor,
        keeper=keeper,
        leases=store.leases,
        housekeeping=Housekeeping(
            clock=clock,
            queue=store.queue,
            ledger=store.ledger,
            credentials=store.login_credentials,
            chain_audit=ChainAudit(log=store.audit_log),
            retention_days=7,
        ),
        notifier=notifier,
        listener=listener,
        tick_seconds=0.25,
        close=_close_nothing,
    )


class _UnavailableExchange(PaperExchange):
    """Replaces real exchanges: always unavailable."""

    def unavailable_reason(self) -> Refused:
        message = "this gateway serves paper accounts only"
        return Refused(code="engine_unavailable", message=message)


def _connect(image: LoadedAccount, _on_update: Callable[[], None]) -> ExchangePorts:
    exchange_class = PaperExchange if image.account.engine is Engine.PAPER else _UnavailableExchange
    exchange = exchange_class.restore(image.account, image.exchange_state)
    return ExchangePorts(trading=exchange, calls=exchange, paper=exchange)


async def _close_nothing() -> None:
    return None
