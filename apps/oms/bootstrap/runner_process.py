"""The parts of a runner process over a store: its tasks.

A runner has no credentials of exchanges: it opens no vault of them and no account at an exchange.
Candles are public data.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

from oms.adapters.audit_file import AuditFile
from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.notifications.apprise_sender import AppriseSender
from oms.adapters.notifications.webhook_sender import WebhookSender
from oms.adapters.sql.store import SqlStore
from oms.bootstrap.backtest_process import BacktestProcesses
from oms.bootstrap.bots import build_bot_services
from oms.bootstrap.market_data import CandleFetcherPool, open_candle_fetcher
from oms.bootstrap.strategies import build_research, build_start_strategy, strategy_processes
from oms.config import Settings
from oms.domain.notifications.sink import SinkKind
from oms.ports.clock import Clock
from oms.ports.notifier import Notifier
from oms.ports.vault import Vault
from oms.runner.audit_mirror import AuditMirror
from oms.runner.backtests import BacktestExecution
from oms.runner.bots import BotTasks
from oms.runner.ingestion import CandleIngestion
from oms.runner.main import Runner
from oms.runner.notifications import Notifications
from oms.runner.task_run import RunnerTask
from oms.runner.worker_watch import WorkerWatch
from oms.services.access.chain_audit import ChainAudit
from oms.services.bots.closed_candles import ClosedCandles
from oms.services.bots.evaluator import ProcessEvaluators
from oms.services.bots.flatten_bot import FlattenBot
from oms.services.candles.ingest_candles import IngestCandles
from oms.services.notifications.collect_messages import CollectMessages
from oms.services.notifications.send_messages import SendMessages


def wire_runner(
    settings: Settings,
    store: SqlStore,
    *,
    name: str,
    signal_vault: Vault,
    notifier: Notifier,
    close: Callable[[], Awaitable[None]],
    clock: Clock = SYSTEM_CLOCK,
) -> Runner:
    """Return a runner that leases its tasks as ``name``; ``close`` is called last at its stop."""
    return Runner(
        name=name,
        tasks=_tasks(settings, store, signal_vault, clock),
        leases=store.task_leases,
        lease_seconds=settings.lease_seconds,
        close=close,
        more_tasks=_bots(settings, store, notifier, clock).tasks,
    )


def _tasks(
    settings: Settings, store: SqlStore, signal_vault: Vault, clock: Clock
) -> Sequence[RunnerTask]:
    """Return the tasks of a runner."""
    watch = WorkerWatch(
        workers=store.leases, leases=store.task_leases, events=store.task_events, clock=clock
    )
    tasks: list[RunnerTask] = [
        watch,
        _notifications(settings, store, signal_vault, clock),
        _ingestion(settings, store, clock),
        _backtests(settings, store, clock),
        build_research(settings, store, clock),
    ]
    if settings.desk.audit_log_path is not None:
        mirror = AuditMirror(
            log=store.audit_log,
            chain=ChainAudit(log=store.audit_log),
            leases=store.task_leases,
            file=AuditFile(path=settings.desk.audit_log_path),
        )
        tasks.append(mirror)
    return tasks


def _notifications(
    settings: Settings, store: SqlStore, signal_vault: Vault, clock: Clock
) -> Notifications:
    """Return the task that sends messages of events."""
    allow_private = settings.notify.allow_private
    return Notifications(
        deliveries=store.deliveries,
        collect=CollectMessages(history=store.history, deliveries=store.deliveries, clock=clock),
        send=SendMessages(
            deliveries=store.deliveries,
            vault=signal_vault,
            senders={
                SinkKind.WEBHOOK: WebhookSender(allow_private=allow_private),
                SinkKind.APPRISE: AppriseSender(allow_private=allow_private),
            },
            clock=clock,
        ),
        clock=clock,
        kept=timedelta(days=settings.events.retention_days),
    )


def _bots(settings: Settings, store: SqlStore, notifier: Notifier, clock: Clock) -> BotTasks:
    """Return the tasks of bots."""
    evaluators = ProcessEvaluators(
        processes=strategy_processes(settings), start=build_start_strategy(store, clock)
    )
    services = build_bot_services(store, notifier, clock, evaluators)
    flatten = FlattenBot(
        queue=store.queue, history=store.history, ids=store.ids, notifier=notifier, clock=clock
    )
    closed = ClosedCandles(candles=store.candles)
    return BotTasks(services=services, flatten=flatten, closed=closed)


def _ingestion(settings: Settings, store: SqlStore, clock: Clock) -> CandleIngestion:
    """Return the task that keeps scheduled series of candles up to date."""
    fetchers = CandleFetcherPool(partial(open_candle_fetcher, store, settings))
    return CandleIngestion(
        store=store.ingestions,
        fetchers=fetchers,
        ingest=IngestCandles(fetchers=fetchers, store=store.candles, clock=clock),
        clock=clock,
    )


def _backtests(settings: Settings, store: SqlStore, clock: Clock) -> BacktestExecution:
    """Return the task that executes backtests."""
    return BacktestExecution(
        queue=store.backtest_queue,
        execute=BacktestProcesses(settings=settings),
        clock=clock,
        processes=settings.runner.processes,
    )
