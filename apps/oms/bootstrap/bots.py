"""The parts of bots over a store: their administration, and what their runs share."""

from oms.adapters.saved_symbols import SavedSymbols
from oms.adapters.sql.store import SqlStore
from oms.config import Settings
from oms.ports.clock import Clock
from oms.ports.notifier import Notifier
from oms.services.bots.bot_admin import BotAdmin
from oms.services.bots.bot_signals import BuildSignal
from oms.services.bots.evaluator import Evaluators
from oms.services.bots.read_figures import ReadBotFigures
from oms.services.bots.run_bot import BotServices
from oms.services.performance.queries import PerformanceQueries
from oms.services.research.known_strategies import KnownStrategies
from oms.services.signals.account_symbols import KnownAccountSymbols
from oms.services.verify.account_instruments import AccountInstruments
from oms.simulation.market.instruments import paper_instruments


def build_bot_admin(settings: Settings, store: SqlStore) -> BotAdmin:
    """Return the administration of bots."""
    return BotAdmin(
        store=store.bots,
        registry=store.registry,
        strategies=store.strategies,
        symbols=build_account_symbols(settings, store),
        instruments=store.instruments,
        known=KnownStrategies(stored=store.strategy_catalog),
    )


def build_bot_figures(
    store: SqlStore, performance: PerformanceQueries, clock: Clock
) -> ReadBotFigures:
    """Return the reads of the figures of bots."""
    return ReadBotFigures(
        store=store.bots,
        portfolio=performance.portfolio,
        results=store.position_results,
        clock=clock,
    )


def build_bot_services(
    store: SqlStore,
    notifier: Notifier,
    clock: Clock,
    evaluators: Evaluators,
    *,
    record_seconds: float = 0.0,
) -> BotServices:
    """Return what the runs of bots share."""
    return BotServices(
        runs=store.bot_runs,
        candles=store.candles,
        instruments=store.instruments,
        history=store.history,
        evaluators=evaluators,
        build_signal=BuildSignal(ids=store.ids),
        notifier=notifier,
        clock=clock,
        record_seconds=record_seconds,
    )


def build_account_symbols(settings: Settings, store: SqlStore) -> KnownAccountSymbols:
    """Return the symbols that accounts trade."""
    return KnownAccountSymbols(
        registry=store.registry,
        instruments=AccountInstruments(store.verification_reads, paper_instruments),
        saved=SavedSymbols(settings.market_cache_dir),
    )
