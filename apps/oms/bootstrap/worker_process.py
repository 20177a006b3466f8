"""The parts of a worker process over a store: execution of commands, polls, housekeeping."""

import os
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.sql.store import SqlStore
from oms.bootstrap.valuation import build_value_accounts
from oms.config import Settings
from oms.domain.account import Account, Engine
from oms.ports.clock import Clock
from oms.ports.exchange import ExchangePorts
from oms.ports.ledger_store import LoadedAccount
from oms.ports.market.trading_calendar import TradingCalendar
from oms.ports.notifier import Notifier, Topic
from oms.ports.price_feed import PriceFeed
from oms.services.access.chain_audit import ChainAudit
from oms.services.access.chain_commands import ChainCommands
from oms.services.access.change_notices import ChangeNotices
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.commit import CommitBatches
from oms.services.admin_mutate.mutate_rows import build_mutate_rows
from oms.services.commands.amend_orders import AmendOrders
from oms.services.commands.bulk_close import BulkClose
from oms.services.commands.execute import ExecuteCommand
from oms.services.commands.kill_switch import KillSwitchCache
from oms.services.commands.notional_limits import NotionalLimits
from oms.services.commands.place_order import PlaceOrder
from oms.services.commands.position_ops import PositionOps
from oms.services.commands.risk_policy import SharedLimits
from oms.services.commands.strategy_links import StrategyLinkRefresh
from oms.services.exchange_sync.poll_exchange import PollExchange
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.record import RecordReports
from oms.services.performance.account_equity import ReadAccountEquity
from oms.services.performance.refresh_marks import RefreshMarks
from oms.services.performance.take_snapshots import TakeSnapshots
from oms.services.performance.value_accounts import ValueAccounts
from oms.services.protection.exchange_timers import KeepExchangeTimers, TimerTerms
from oms.services.protection.native_orders import NativeOrders
from oms.services.protection.watch_stops import WatchStops
from oms.services.reconcile import ReconcileAccount
from oms.services.reconcile.raw_payloads import RawPayloadRecorder
from oms.services.risk.observe_losses import ObserveLosses
from oms.services.risk.repeated_order import FindRepeatedOrder
from oms.services.risk.session_overrides import SessionOverrideRefresh
from oms.services.submission.fire_deadman import FireDeadman
from oms.worker.activity import WorkerActivity
from oms.worker.commit_pipeline import CommitPipeline
from oms.worker.dispatch import CommandProcessor
from oms.worker.equity_schedule import EquityScheduler
from oms.worker.housekeeping import Housekeeping
from oms.worker.leases import LeaseKeeper
from oms.worker.main import Worker
from oms.worker.mark_schedule import MarkScheduler
from oms.worker.reconcile_schedule import ReconcileScheduler
from oms.worker.wakeup_listener import UpdatedAccounts, WakeupListener

CLIENT_ORDER_ID_CHARACTERS = 26
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTER_OF_BYTE = (_CROCKFORD * 8).encode()
"""The character of the low five bits of each byte."""


def wire_worker(
    settings: Settings,
    store: SqlStore,
    *,
    name: str,
    notifier: Notifier,
    connect: Callable[[LoadedAccount, Callable[[], None]], ExchangePorts],
    close: Callable[[], Awaitable[None]],
    open_feed: Callable[[Account], PriceFeed] | None = None,
    only: tuple[int, ...] = (),
    clock: Clock = SYSTEM_CLOCK,
    calendar: TradingCalendar | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Worker:
    """Return a worker that leases accounts as ``name``; ``connect`` creates their exchanges.

    ``close`` is called last at its stop. ``open_feed`` opens the market prices of an account's
    exchange; ``None``: marks are not refreshed. ``only`` limits it to these accounts. ``calendar``
    is that of the exchanges which ``connect`` creates; ``monotonic`` the age of what is cached.
    """
    execute = _execute(settings, store, calendar)
    value_accounts = build_value_accounts(settings, store, clock)
    keeper = _lease_keeper(settings, store, name, only)
    listener, activity = WakeupListener(notifier=notifier), WorkerActivity()
    processor = CommandProcessor(
        keeper=keeper,
        clock=clock,
        queue=store.queue,
        ledger=store.ledger,
        execute=execute,
        record=execute.record,
        poll_exchange=_poll_exchange(execute),
        pipeline=_commit_pipeline(store, notifier, clock, activity),
        activity=activity,
        connect=connect,
        updated=UpdatedAccounts(listener=listener),
        batch_max=settings.commands.batch_max,
        live_allowed=settings.live_trading_allowed,
        limit_currency=settings.desk.limit_currency,
        read_equity=_read_equity(store, value_accounts, monotonic),
        recent_activity=store.recent_activity,
    )
    return Worker(
        name=name,
        processor=processor,
        keeper=keeper,
        leases=store.leases,
        housekeeping=_housekeeping(settings, store, clock),
        fire_deadman=_fire_deadman(store, notifier, clock),
        notifier=notifier,
        listener=listener,
        tick_seconds=settings.paper_tick_ms / 1000,
        close=close,
        reconcile_scheduler=ReconcileScheduler(processor=processor, rows=store.reconcile_store),
        access_changes=_access_changes(notifier, execute),
        switch_changes=_switch_changes(notifier, execute),
        equity_scheduler=_equity_scheduler(settings, store, processor, value_accounts),
        mark_scheduler=_mark_scheduler(settings, store, keeper, open_feed, clock),
        exchange_timers=_exchange_timers(store, clock),
    )


def _access_changes(notifier: Notifier, execute: ExecuteCommand) -> ChangeNotices:
    """Return what drops the cached permissions of a worker."""
    forget = [execute.permissions.forget]
    if execute.strategy_links is not None:
        forget.append(execute.strategy_links.forget)
    return ChangeNotices(notifier=notifier, topic=Topic.ACCESS, forget=forget)


def _switch_changes(notifier: Notifier, execute: ExecuteCommand) -> ChangeNotices:
    """Return what lets a worker read kill switches and shared limits again."""
    switches = execute.kill_switches
    forget = () if switches is None else (switches.forget,)
    return ChangeNotices(notifier=notifier, topic=Topic.SWITCHES, forget=forget)


def _commit_pipeline(
    store: SqlStore, notifier: Notifier, clock: Clock, activity: WorkerActivity
) -> CommitPipeline:
    """Return the commits of the worker, which count what they wrote."""
    commit = CommitBatches(
        ledger=store.ledger, notifier=notifier, clock=clock, on_written=activity.note_commit
    )
    return CommitPipeline(commit=commit)


def _exchange_timers(store: SqlStore, clock: Clock) -> KeepExchangeTimers:
    """Return what keeps the timers of exchanges behind dead-man switches."""
    return KeepExchangeTimers(
        switches=store.deadman_switches,
        credentials=store.sealed_credentials,
        terms_of=_timer_terms,
        clock=clock,
    )


def _timer_terms(account: Account) -> TimerTerms | None:
    """Return the timer that the exchange of an account has."""
    if account.engine is Engine.PAPER:
        return None
    profile = get_profile(account.venue)
    timer = profile.cancel_timer
    if timer is None:
        return None
    kinds = timer.symbol_kinds
    is_timed = None if kinds is None else (lambda symbol: profile.kind_of(symbol) in kinds)
    return TimerTerms(seconds=timer.seconds, call=timer.call, is_timed=is_timed)


def _fire_deadman(store: SqlStore, notifier: Notifier, clock: Clock) -> FireDeadman:
    """Return the watch over missed deadlines."""
    return FireDeadman(
        switches=store.deadman_switches, ids=store.ids, clock=clock, notifier=notifier
    )


def _housekeeping(settings: Settings, store: SqlStore, clock: Clock) -> Housekeeping:
    """Return the housekeeping of the holder of lease 0."""
    return Housekeeping(
        clock=clock,
        queue=store.queue,
        ledger=store.ledger,
        credentials=store.login_credentials,
        equity_snapshots=store.equity_snapshots,
        chain_audit=ChainAudit(log=store.audit_log),
        chain_commands=ChainCommands(chain=store.command_chain, clock=clock),
        retention_days=settings.events.retention_days,
    )


def _poll_exchange(execute: ExecuteCommand) -> PollExchange:
    """Return the polls of exchanges, with the services that execute commands."""
    return PollExchange(
        record=execute.record,
        reconcile=execute.reconcile,
        flatten=execute.flatten(),
        reverse=execute.reverse(),
        signals=execute.signals(),
        watch_stops=execute.watch_stops,
        observe_losses=execute.observe_losses,
        kill_switches=execute.kill_switches,
        session_overrides=execute.session_overrides,
    )


def _lease_keeper(
    settings: Settings, store: SqlStore, name: str, only: tuple[int, ...]
) -> LeaseKeeper:
    return LeaseKeeper(
        owner=name,
        leases=store.leases,
        ids=store.ids,
        seconds=settings.lease_seconds,
        only=only,
    )


def _read_equity(
    store: SqlStore, value_accounts: ValueAccounts, monotonic: Callable[[], float]
) -> ReadAccountEquity:
    """Return the equity of accounts for their limits."""
    return ReadAccountEquity(
        value_accounts=value_accounts,
        snapshots=store.equity_snapshots,
        history=store.history,
        monotonic=monotonic,
    )


def _equity_scheduler(
    settings: Settings, store: SqlStore, processor: CommandProcessor, value_accounts: ValueAccounts
) -> EquityScheduler:
    """Return the schedule of equity snapshots."""
    return EquityScheduler(
        processor=processor,
        take=TakeSnapshots(value_accounts=value_accounts, snapshots=store.equity_snapshots),
        ledger=store.ledger,
        history=store.history,
        clock=processor.clock,
        interval=timedelta(seconds=settings.desk.equity_snapshot_seconds),
    )


def _mark_scheduler(
    settings: Settings,
    store: SqlStore,
    keeper: LeaseKeeper,
    open_feed: Callable[[Account], PriceFeed] | None,
    clock: Clock,
) -> MarkScheduler | None:
    """Return the refresh of marks."""
    if open_feed is None:
        return None
    return MarkScheduler(
        keeper=keeper,
        refresh=RefreshMarks(
            registry=store.registry,
            marks=store.market_marks,
            open_feed=open_feed,
            clock=clock,
            report_currency=settings.desk.report_currency,
        ),
        interval_seconds=settings.desk.price_refresh_seconds,
    )


def _execute(
    settings: Settings, store: SqlStore, calendar: TradingCalendar | None
) -> ExecuteCommand:
    """Return the execution of commands."""
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
        find_repeated=FindRepeatedOrder(reads=store.sent_orders),
    )
    position_ops = PositionOps(
        ledger=ledger, record=record, ids=ids, place=place, load_history=load_history
    )
    kill_switches = KillSwitchCache(
        kills=store.kill_switches, limits=SharedLimits(store=store.risk_policies)
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
        mutate=build_mutate_rows(
            ledger=ledger,
            history=store.history,
            audit=store.verification_reads,
            ids=ids,
            record=record,
            permissions=permissions,
            position_ops=position_ops,
        ),
        kill_switches=kill_switches,
        session_overrides=_session_overrides(store, calendar),
        observe_losses=ObserveLosses(snapshots=store.equity_snapshots),
        watch_stops=_watch_stops(settings, store, record, kill_switches),
        reconcile=ReconcileAccount(
            ledger=ledger,
            record=record,
            ids=ids,
            rows=store.reconcile_store,
            raw=RawPayloadRecorder(rows=store.raw_payloads, ids=ids),
        ),
        max_queue_seconds=settings.commands.max_queue_s,
    )


def _session_overrides(
    store: SqlStore, calendar: TradingCalendar | None
) -> SessionOverrideRefresh | None:
    """Return what keeps the overridden days of a calendar."""
    if calendar is None:
        return None
    return SessionOverrideRefresh(store=store.session_overrides, calendar=calendar)


def _watch_stops(
    settings: Settings, store: SqlStore, record: RecordReports, kill_switches: KillSwitchCache
) -> WatchStops:
    """Return the watcher of stop levels."""
    return WatchStops(
        record=record,
        ids=store.ids,
        queue=store.queue,
        native=NativeOrders(
            ledger=store.ledger,
            ids=store.ids,
            queue=store.queue,
            cancel=AmendOrders(ledger=store.ledger, record=record).cancel_one,
        ),
        kill_switches=kill_switches,
        price_age=timedelta(seconds=settings.max_price_age_seconds),
    )


def new_client_order_id() -> str:
    """Return random characters of Crockford's alphabet: 130 bits."""
    return os.urandom(CLIENT_ORDER_ID_CHARACTERS).translate(_CHARACTER_OF_BYTE).decode()
