"""The parts of an API process over a store: administration, submission, queries, WebSocket."""

import time
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from oms import __version__
from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.exchange_catalog import VenueCatalog
from oms.adapters.notifications.public_addresses import is_private_host
from oms.adapters.sql.maintenance import migration_runner as migrations
from oms.adapters.sql.store import SqlStore
from oms.api.app import Application, create_app
from oms.api.browser.browser_access import BrowserAccess
from oms.api.context import ApiContext
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.rate_limits import RateLimiter
from oms.api.web_page.page_files import PageFolder
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.server import WebSocketServer
from oms.bootstrap.bots import build_bot_admin, build_bot_figures
from oms.bootstrap.market_data import build_read_candles
from oms.bootstrap.signals import build_signals
from oms.bootstrap.strategies import build_research_services
from oms.bootstrap.valuation import build_performance, build_value_accounts
from oms.config import Settings
from oms.ports.clock import Clock
from oms.ports.notifier import Notifier
from oms.ports.vault import Sealer, Vault
from oms.services.access.administer import Administer
from oms.services.access.browser_sessions import BrowserSessions
from oms.services.backtests.backtest_runs import BacktestRuns
from oms.services.notifications.sink_admin import SinkAdmin
from oms.services.performance.queries import PerformanceQueries
from oms.services.performance.value_accounts import ValueAccounts
from oms.services.queries.ledger_queries import LedgerQueries
from oms.services.queries.position_figures import PositionFigures
from oms.services.research.known_strategies import KnownStrategies
from oms.services.sharing.share_link_admin import ShareLinkAdmin
from oms.services.sharing.shared_figures import ReadSharedFigures
from oms.services.submission.account_groups import AccountGroupAdmin
from oms.services.submission.enqueue import Enqueue
from oms.services.submission.queue_depth import QueueDepthLimiter
from oms.services.submission.result_waiter import ResultWaiter
from oms.services.submission.session_override_admin import SessionOverrideAdmin
from oms.services.submission.submit import Submit
from oms.services.verify.account_instruments import AccountInstruments
from oms.simulation.market.instruments import paper_instruments

PAGE_FOLDER = Path(str(files("oms"))) / "web"
"""The built page, in a checkout and in an installed wheel."""


def wire_api(
    settings: Settings,
    store: SqlStore,
    *,
    notifier: Notifier,
    administer: Administer,
    signal_vault: Vault,
    clock: Clock = SYSTEM_CLOCK,
) -> Application:
    """Return the application; it closes ``notifier`` and ``store`` when it stops."""
    request_metrics = RequestMetrics(started_at=clock.now())
    queries = LedgerQueries(registry=store.registry, history=store.history, queue=store.queue)
    value_accounts = build_value_accounts(settings, store, clock)
    context = ApiContext(
        settings=settings,
        version=__version__,
        clock=clock,
        authenticate=administer.authenticate,
        browser_access=_build_browser_access(settings, store, administer, request_metrics),
        preferences=store.user_preferences,
        administer=administer,
        submit=(submit := _build_submit(settings, store, notifier, clock)),
        signals=build_signals(
            settings, store, submit, queries, administer, signal_vault, value_accounts
        ),
        result_waiter=ResultWaiter(queue=store.queue, notifier=notifier),
        queries=queries,
        history=store.history,
        reconciliations=store.reconcile_store,
        leases=store.leases,
        task_leases=store.task_leases,
        sink_admin=_build_sink_admin(settings, store, signal_vault),
        exchange_catalog=VenueCatalog(),
        queue_depths=submit.depths,
        notifier=notifier,
        health=store,
        rate_limiter=RateLimiter(limits=settings.limits, now=time.monotonic),
        request_metrics=request_metrics,
        metrics_query=store.metrics,
        idempotent_responses=store.idempotent_responses,
        raw_payloads=store.raw_payloads,
        kill_switches=store.kill_switches,
        deadman_switches=store.deadman_switches,
        risk_policies=store.risk_policies,
        session_overrides=SessionOverrideAdmin(store=store.session_overrides),
        performance=(performance := build_performance(settings, store, queries, value_accounts)),
        share_links=_build_share_links(store, queries, performance, value_accounts, clock),
        read_candles=build_read_candles(store, clock),
        ingestions=store.ingestions,
        research=build_research_services(store, clock),
        backtests=_build_backtests(store, clock),
        bots=build_bot_admin(settings, store),
        bot_figures=build_bot_figures(store, performance, clock),
        account_groups=_build_account_groups(store, performance),
        mark_prices=value_accounts.mark_prices,
        position_figures=_position_figures(store),
        schema_expected=migrations.expected_version(),
        close=store.close,
    )
    return create_app(_with_page_and_websocket(context))


def _with_page_and_websocket(context: ApiContext) -> ApiContext:
    """Return the context with the web desk and the server of ``/ws``."""
    waiter = context.result_waiter
    feed = EventFeed(history=context.history, wait_notified=waiter.wait_notified)
    page = PageFolder(PAGE_FOLDER) if context.settings.ui.enabled else None
    context = replace(context, page=page)
    return replace(context, websocket=WebSocketServer(context, feed))


def _build_share_links(
    store: SqlStore,
    queries: LedgerQueries,
    performance: PerformanceQueries,
    value_accounts: ValueAccounts,
    clock: Clock,
) -> ShareLinkAdmin:
    """Return the administration of share links."""
    figures = ReadSharedFigures(
        store=store.share_links,
        registry=store.registry,
        performance=performance,
        queries=queries,
        mark_prices=value_accounts.mark_prices,
        clock=clock,
    )
    return ShareLinkAdmin(store=store.share_links, figures=figures)


def _build_backtests(store: SqlStore, clock: Clock) -> BacktestRuns:
    """Return the requests for backtests and their results."""
    return BacktestRuns(
        store=store.backtests,
        instruments=store.instruments,
        candles=store.candles,
        known=KnownStrategies(stored=store.strategy_catalog),
        clock=clock,
    )


def _build_account_groups(store: SqlStore, performance: PerformanceQueries) -> AccountGroupAdmin:
    """Return the administration of groups of accounts."""
    return AccountGroupAdmin(
        store=store.account_groups, registry=store.registry, portfolio=performance.portfolio
    )


def _position_figures(store: SqlStore) -> PositionFigures:
    """Return the figures of positions that follow from their deals."""
    reads = store.verification_reads
    return PositionFigures(
        registry=store.registry,
        reads=reads,
        account_instruments=AccountInstruments(reads, paper_instruments),
    )


def _build_sink_admin(settings: Settings, store: SqlStore, sealer: Sealer) -> SinkAdmin:
    """Return the administration of sinks."""
    return SinkAdmin(
        store=store.sinks,
        sealer=sealer,
        has_apprise=find_spec("apprise") is not None,
        allow_private=settings.notify.allow_private,
        is_private=is_private_host,
    )


def _build_submit(
    settings: Settings,
    store: SqlStore,
    notifier: Notifier,
    clock: Clock,
) -> Submit:
    """Return the acceptance of commands."""
    return Submit(
        queue=store.queue,
        history=store.history,
        registry=store.registry,
        ids=store.ids,
        clock=clock,
        enqueue=Enqueue(
            queue=store.queue, notifier=notifier, batch_max=settings.commands.batch_max
        ),
        depths=QueueDepthLimiter(queue=store.queue, depth_max=settings.commands.queue_depth_max),
        idempotency_hours=settings.commands.idempotency_hours,
    )


def _build_browser_access(
    settings: Settings, store: SqlStore, administer: Administer, request_metrics: RequestMetrics
) -> BrowserAccess:
    """Return the access of browsers, which shares the counters of failed logins."""
    sessions = BrowserSessions(
        store=store.browser_sessions,
        registry=store.registry,
        people=store.user_admin,
        login=administer.login,
        authenticate=administer.authenticate,
        idle=timedelta(minutes=settings.ui.session_idle_minutes),
        longest=timedelta(hours=settings.ui.session_hours),
    )
    return BrowserAccess(settings=settings, sessions=sessions, request_metrics=request_metrics)
