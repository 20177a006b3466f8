"""The tasks of the runner as they are stored: for the health report and the metrics."""

from collections.abc import Sequence

from oms.ports.runner.task_leases import TaskStatus
from oms.wire.responses.health_rows import RunnerTaskRow


def task_row(task: TaskStatus) -> RunnerTaskRow:
    """Return the row of a task."""
    silence = task.silence_seconds
    return {
        "name": task.task,
        "ok": task.is_running,
        "state": task.state.value if task.owner else "stopped",
        "owner": task.owner or None,
        "silence_s": None if silence is None else round(silence, 3),
        "restarts": task.restarts,
        "last_error": task.last_error,
    }


def slowest_progress(tasks: Sequence[TaskStatus]) -> float | None:
    """Return the longest time in seconds since a task showed progress."""
    known = [task.silence_seconds for task in tasks if task.silence_seconds is not None]
    return max(known, default=None)
