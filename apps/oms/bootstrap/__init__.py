"""The composition root: builds an API or a worker process from settings.

Plain arguments, no framework. Only the command line imports this package.
"""

import os
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from oms import __version__
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.clock import SystemClock
from oms.adapters.exchange_catalog import VenueCatalog
from oms.adapters.socket_notifier import SocketNotifier
from oms.adapters.sql.maintenance import migration_runner as migrations
from oms.adapters.sql.maintenance.migration_runner import MigrationStatus, UpgradeResult
from oms.adapters.sql.store import SqlStore
from oms.bootstrap.exchange_factory import build_exchange_factory
from oms.config import Settings

if TYPE_CHECKING:
    from oms.adapters.vault import AesVault
    from oms.api.app import Application
    from oms.services.access.administer import Administer
    from oms.services.access.command_permissions import CommandPermissions
    from oms.services.admin_mutate.mutate_rows import MutateRows
    from oms.services.commands.execute import ExecuteCommand
    from oms.services.commands.position_ops import PositionOps
    from oms.services.ledger.record import RecordReports
    from oms.worker.housekeeping import Housekeeping
    from oms.worker.main import Worker

CLIENT_ORDER_ID_BYTES = 16
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


async def migrate(settings: Settings) -> UpgradeResult:
    """Upgrade the database to this version. Raises ``Unavailable``."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return await migrations.upgrade(settings.dsn)


async def migration_status(settings: Settings) -> MigrationStatus:
    """Return the database's version and the pending migrations. Raises ``Unavailable``."""
    return await migrations.status(settings.dsn)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """Open the store, and close it at the end."""
    store = await SqlStore.open(settings.dsn, check_account)
    try:
        yield store
    finally:
        await store.close()


def build_vault(settings: Settings) -> "AesVault":
    """Return the vault, with the master keys of the environment or else of the key file."""
    from oms.adapters.key_file import KeyFile
    from oms.adapters.vault import AesVault

    if settings.master_key:
        keys = [part.strip() for part in settings.master_key.split(",") if part.strip()]
        return AesVault(lambda: keys)
    return AesVault(KeyFile(settings.key_file).read)


def ensure_master_key(settings: Settings) -> bool:
    """Create the key file if there is no master key. Returns whether it did. Raises ``OSError``."""
    from oms.adapters.key_file import KeyFile
    from oms.adapters.vault import new_master_key

    if settings.master_key:
        return False
    return KeyFile(settings.key_file).create(new_master_key())


async def build_worker(
    settings: Settings, *, name: str = "", only: tuple[int, ...] = ()
) -> "Worker":
    """Build a worker process; ``only`` limits it to these accounts."""
    from oms.services.account_state.commit import CommitBatches
    from oms.services.exchange_sync.poll_exchange import PollExchange
    from oms.worker.commit_pipeline import CommitPipeline
    from oms.worker.dispatch import CommandProcessor
    from oms.worker.leases import LeaseKeeper
    from oms.worker.main import Worker
    from oms.worker.reconcile_schedule import ReconcileScheduler
    from oms.worker.wakeup_listener import UpdatedAccounts, WakeupListener

    store = await SqlStore.open(settings.dsn, check_account)
    clock = SystemClock()
    notifier = SocketNotifier(settings.notifier_socket_dir)
    connect = build_exchange_factory(
        store=store,
        vault=build_vault(settings),
        tag=await store.installation_tag(),
        tapes=settings.price_tapes_dir,
        cache=settings.market_cache_dir,
        live_age=timedelta(seconds=settings.max_price_age_seconds),
    )
    owner = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    execute = _execute(settings, store)
    keeper = LeaseKeeper(
        owner=owner, leases=store.leases, seconds=settings.lease_seconds, only=only
    )
    listener = WakeupListener(notifier=notifier)
    processor = CommandProcessor(
        keeper=keeper,
        clock=clock,
        queue=store.queue,
        ledger=store.ledger,
        execute=execute,
        record=execute.record,
        poll_exchange=PollExchange(
            record=execute.record, reconcile=execute.reconcile, flatten=execute.flatten()
        ),
        pipeline=CommitPipeline(
            commit=CommitBatches(ledger=store.ledger, notifier=notifier, clock=clock)
        ),
        connect=connect,
        updated=UpdatedAccounts(listener=listener),
        batch_max=settings.commands.batch_max,
        live_allowed=settings.live_trading_allowed,
    )
    return Worker(
        name=owner,
        processor=processor,
        keeper=keeper,
        leases=store.leases,
        housekeeping=_housekeeping(settings, store, clock),
        notifier=notifier,
        listener=listener,
        tick_seconds=settings.paper_tick_ms / 1000,
        close=store.close,
        reconcile_scheduler=ReconcileScheduler(processor=processor, rows=store.reconcile_store),
    )


def _housekeeping(settings: Settings, store: SqlStore, clock: SystemClock) -> "Housekeeping":
    """Build the periodic tasks of the worker that holds their lease."""
    from oms.services.access.chain_audit import ChainAudit
    from oms.services.access.chain_commands import ChainCommands
    from oms.worker.housekeeping import Housekeeping

    return Housekeeping(
        clock=clock,
        queue=store.queue,
        ledger=store.ledger,
        credentials=store.login_credentials,
        chain_audit=ChainAudit(log=store.audit_log),
        chain_commands=ChainCommands(chain=store.command_chain, clock=clock),
        retention_days=settings.events.retention_days,
    )


def _execute(settings: Settings, store: SqlStore) -> "ExecuteCommand":
    """Build the execution of commands."""
    from oms.services.access.command_permissions import CommandPermissions
    from oms.services.commands.bulk_close import BulkClose
    from oms.services.commands.execute import ExecuteCommand
    from oms.services.commands.kill_switch import KillSwitchCache
    from oms.services.commands.notional_limits import NotionalLimits
    from oms.services.commands.place_order import PlaceOrder
    from oms.services.commands.position_ops import PositionOps
    from oms.services.commands.strategy_links import StrategyLinkRefresh
    from oms.services.ledger.load_history import LoadHistory
    from oms.services.ledger.record import RecordReports
    from oms.services.reconcile import ReconcileAccount
    from oms.services.reconcile.raw_payloads import RawPayloadRecorder

    ledger, ids = store.ledger, store.ids
    load_history = LoadHistory(ledger=ledger)
    record = RecordReports(ledger=ledger, ids=ids, load_history=load_history)
    permissions = CommandPermissions(
        registry=store.registry, cache_seconds=settings.access_cache_seconds
    )
    place = PlaceOrder(
        ledger=ledger,
        record=record,
        ids=ids,
        new_client_order_id=new_client_order_id,
        notional_limits=NotionalLimits(permissions=permissions, usage=store.key_usage),
    )
    position_ops = PositionOps(
        ledger=ledger, record=record, ids=ids, place=place, load_history=load_history
    )
    return ExecuteCommand(
        ledger=ledger,
        record=record,
        permissions=permissions,
        strategy_links=StrategyLinkRefresh(
            registry=store.registry, cache_seconds=settings.access_cache_seconds
        ),
        place=place,
        bulk_close=BulkClose(place=place),
        position_ops=position_ops,
        mutate=_mutate(store, record, permissions, position_ops),
        kill_switches=KillSwitchCache(kills=store.kill_switches),
        reconcile=ReconcileAccount(
            ledger=ledger,
            record=record,
            ids=ids,
            rows=store.reconcile_store,
            raw=RawPayloadRecorder(rows=store.raw_payloads, ids=ids),
        ),
        max_queue_seconds=settings.commands.max_queue_s,
    )


def _mutate(
    store: SqlStore,
    record: "RecordReports",
    permissions: "CommandPermissions",
    position_ops: "PositionOps",
) -> "MutateRows":
    """Build the correction of rows by an admin."""
    from oms.services.admin_mutate.mutate_rows import build_mutate_rows

    return build_mutate_rows(
        ledger=store.ledger,
        history=store.history,
        audit=store.verification_reads,
        ids=store.ids,
        record=record,
        permissions=permissions,
        position_ops=position_ops,
    )


def new_client_order_id() -> str:
    """Return 26 characters of Crockford's alphabet with 128 random bits."""
    number = int.from_bytes(secrets.token_bytes(CLIENT_ORDER_ID_BYTES)) << 2
    return "".join([_PAIRS[number >> place & 1023] for place in range(120, -1, -10)])


def build_administer(settings: Settings, store: SqlStore) -> "Administer":
    """Build the administration of users, keys, accounts and strategies."""
    from oms.services.access.administer import Administer
    from oms.services.access.authenticate import Authenticate
    from oms.services.access.last_used import LastUsedRecorder
    from oms.services.access.login import Login
    from oms.services.access.passwords import Passwords
    from oms.services.credentials.seal import SealCredentials

    clock = SystemClock()
    last_use, passwords = LastUsedRecorder(credentials=store.login_credentials), Passwords()
    return Administer(
        people=store.user_admin,
        strategies=store.strategies,
        registry=store.registry,
        audit_log=store.audit_log,
        passwords=passwords,
        login=Login(credentials=store.login_credentials, passwords=passwords, clock=clock),
        authenticate=Authenticate(
            registry=store.registry,
            clock=clock,
            cache_seconds=settings.access_cache_seconds,
            on_authenticated=last_use,
        ),
        last_use=last_use,
        account_admin=store.account_admin,
        seal=SealCredentials(rows=store.sealed_credentials, sealer=build_vault(settings)),
    )


async def build_api(settings: Settings) -> "Application":
    """Build the application of an API process; it closes its store when it stops."""
    from oms.adapters.paper.mark_prices import PaperMarks
    from oms.api.app import create_app
    from oms.api.context import ApiContext
    from oms.api.metrics.request_metrics import RequestMetrics
    from oms.api.rate_limits import RateLimiter
    from oms.api.websocket.event_feed import EventFeed
    from oms.api.websocket.server import WebSocketServer
    from oms.services.queries.ledger_queries import LedgerQueries
    from oms.services.submission.enqueue import Enqueue
    from oms.services.submission.queue_depth import QueueDepthLimiter
    from oms.services.submission.result_waiter import ResultWaiter
    from oms.services.submission.submit import Submit

    store = await SqlStore.open(settings.dsn, check_account)
    clock = SystemClock()
    commands, notifier = settings.commands, SocketNotifier(settings.notifier_socket_dir)
    depths = QueueDepthLimiter(queue=store.queue, depth_max=commands.queue_depth_max)
    administer = build_administer(settings, store)
    parts = ApiContext(
        settings=settings,
        version=__version__,
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
            depths=depths,
            idempotency_hours=commands.idempotency_hours,
        ),
        result_waiter=ResultWaiter(queue=store.queue, notifier=notifier),
        queries=LedgerQueries(registry=store.registry, history=store.history, queue=store.queue),
        history=store.history,
        reconciliations=store.reconcile_store,
        leases=store.leases,
        exchange_catalog=VenueCatalog(),
        queue_depths=depths,
        notifier=notifier,
        health=store,
        rate_limiter=RateLimiter(limits=settings.limits, now=time.monotonic),
        request_metrics=RequestMetrics(started_at=clock.now()),
        metrics_query=store.metrics,
        idempotent_responses=store.idempotent_responses,
        raw_payloads=store.raw_payloads,
        kill_switches=store.kill_switches,
        mark_prices=PaperMarks(store.registry, store.paper_prices, clock),
        schema_expected=migrations.expected_version(),
        close=store.close,
    )
    feed = EventFeed(history=store.history, wait_notified=parts.result_waiter.wait_notified)
    return create_app(replace(parts, websocket=WebSocketServer(parts, feed)))
