"""Strategies: the processes that run their code, their catalogue, the answers of the runner."""

import asyncio
from collections.abc import Callable, Iterable

from oms.adapters.sql.store import SqlStore
from oms.adapters.strategy_code.strategy_files import describe_built_in
from oms.adapters.strategy_code.strategy_process import ChildProcesses, ProcessOptions
from oms.backtest.settings import BacktestSettings
from oms.config import Settings
from oms.domain.market.candle import Candle
from oms.domain.value import value
from oms.ports.clock import Clock
from oms.runner.research import ResearchAnswers
from oms.services.backtests.parameter_sweep import Row, SweepTask
from oms.services.backtests.run_in_process import ProcessSweep
from oms.services.research.answer_requests import AnswerRequests
from oms.services.research.ask_runner import AskRunner, ResearchServices
from oms.services.research.read_catalog import ReadCatalog
from oms.services.research.start_strategy import StartStrategy


def strategy_processes(settings: Settings, priority: int = 0) -> ChildProcesses:
    """Return what starts processes of strategies with the limits of the settings.

    ``priority`` is added to the ``nice`` value of this process: 19 for what may wait.
    """
    options = ProcessOptions(
        path=settings.strategies,
        decision_seconds=settings.runner.decision_seconds,
        memory_mb=settings.runner.strategy_memory_mb,
        priority=priority,
    )
    return ChildProcesses(options)


@value
class ProcessSweepInput:
    """What all runs of a sweep of a user's strategy share; ``load`` is called in each process."""

    settings: Settings
    name: str
    #: Of the code that may run; ``None``: any.
    code_hash: str | None
    backtest: BacktestSettings
    load: Callable[[], Iterable[Candle]]


def prepare_process_runs(shared: ProcessSweepInput) -> Callable[[SweepTask], Row]:
    """Load the candles and return what runs a task on them, in a process below this one."""
    sweep = ProcessSweep(
        strategy_processes(shared.settings),
        shared.name,
        shared.code_hash,
        shared.backtest,
        list(shared.load()),
    )
    loop = asyncio.new_event_loop()
    return lambda task: loop.run_until_complete(sweep.run(task))


def build_research_services(store: SqlStore, clock: Clock) -> ResearchServices:
    """Return what the API reads and asks for; it runs no code of users."""
    return ResearchServices(
        read_catalog=ReadCatalog(
            built_in=describe_built_in(),
            stored=store.strategy_catalog,
            versions=store.strategy_versions,
        ),
        ask_runner=AskRunner(
            requests=store.research_requests, leases=store.task_leases, clock=clock
        ),
    )


def build_start_strategy(store: SqlStore, clock: Clock) -> StartStrategy:
    """Return what starts strategies on stored candles, for charts, runs and bots."""
    return StartStrategy(versions=store.strategy_versions, candles=store.candles, clock=clock)


def build_research(settings: Settings, store: SqlStore, clock: Clock) -> ResearchAnswers:
    """Return the task that answers requests of the API."""
    answers = AnswerRequests(
        processes=strategy_processes(settings, priority=10),
        start=build_start_strategy(store, clock),
        catalog=store.strategy_catalog,
        instruments=store.instruments,
        candles=store.candles,
        clock=clock,
    )
    return ResearchAnswers(
        requests=store.research_requests,
        answer=answers,
        load_catalog=answers.reload,
        clock=clock,
    )
