"""Strategies: the processes that run their code, their catalogue, the answers of the runner."""

from oms.adapters.sql.store import SqlStore
from oms.adapters.strategy_code.strategy_files import describe_built_in
from oms.adapters.strategy_code.strategy_process import ChildProcesses, ProcessOptions
from oms.config import Settings
from oms.ports.clock import Clock
from oms.runner.research import ResearchAnswers
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
