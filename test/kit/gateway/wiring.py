"""The components of a gateway over a store, built as the API and worker processes do."""

import time
from collections.abc import Callable

from kit.gateway.local_notifier import LocalNotifier
from oms.adapters.clock import SystemClock
from oms.adapters.exchange_catalog import VenueCatalog
from oms.adapters.paper.mark_prices import PaperMarks
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.adapters.sql.store import SqlStore
from oms.adapters.vault import AesVault, new_master_key
from oms.api.context import ApiContext
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.rate_limits import RateLimiter
from oms.config import Settings
from oms.domain.account import Engine
from oms.domain.errors import Refused
from oms.ports.exchange import ExchangePorts
from oms.ports.ledger_store import LoadedAccount
from oms.services.access.administer import Administer
from oms.services.access.authenticate import Authenticate
from oms.services.access.chain_audit import ChainAudit
from oms.services.access.chain_commands import ChainCommands
from oms.services.access.command_permissions import CommandPermissions
from oms.services.access.last_used import LastUsedRecorder
from oms.services.access.login import Login
from oms.services.access.passwords import Passwords
from oms.services.account_state.commit import CommitBatches
from oms.services.admin_mutate.mutate_rows import build_mutate_rows
from oms.services.commands.bulk_close import BulkClose
from oms.services.commands.execute import ExecuteCommand
from oms.services.commands.kill_switch import KillSwitchCache
from oms.services.commands.notional_limits import NotionalLimits
from oms.services.commands.place_order import PlaceOrder
from oms.services.commands.position_ops import PositionOps
from oms.services.commands.strategy_links import StrategyLinkRefresh
from oms.services.credentials.seal import SealCredentials
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

MASTER_KEY = new_master_key()


def build_admin_service(store: SqlStore, settings: Settings) -> Administer:
    """Builds the service with its real components on ``store``."""
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
        seal=SealCredentials(rows=store.sealed_credentials, sealer=AesVault(lambda: [MASTER_KEY])),
    )


def build_api_context(store: SqlStore, notifier: LocalNotifier, settings: Settings) -> ApiContext:
    """Builds the API's context on ``store``, with its real components."""
    clock = SystemClock()
    commands = settings.commands
    queue_depths = QueueDepthLimiter(queue=store.queue, depth_max=commands.queue_depth_max)
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


def build_worker(store: SqlStore, notifier: LocalNotifier) -> Worker:
    """Builds a worker on ``store`` which leases every account."""
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
            chain_commands=ChainCommands(chain=store.command_chain, clock=clock),
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
