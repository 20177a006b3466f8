"""The processes that run the code of strategies."""

from oms.adapters.strategy_code.strategy_process import ChildProcesses, ProcessOptions
from oms.config import Settings


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
