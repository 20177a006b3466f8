"""Processes of low priority that calculate beside the rest of the gateway."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Generic, TypeVar

from oms.adapters.child_process import start_child

Task = TypeVar("Task")
Result = TypeVar("Result")


class ProcessPool(Generic[Task, Result]):
    """Runs tasks on processes; results arrive in the order of the tasks for any number of them.

    ``prepare`` is called once in each process, for example to load data; it returns the function
    that runs a task. Both must be picklable.
    """

    def __init__(self, prepare: Callable[[], Callable[[Task], Result]], workers: int) -> None:
        self._pool = ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_start, initargs=(prepare,)
        )

    def __enter__(self) -> "ProcessPool[Task, Result]":
        """Return the pool; processes start with the first task."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop tasks that have not begun, wait for the others and end the processes."""
        self._pool.shutdown(cancel_futures=True)

    def run(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the result of each task."""
        return self._pool.map(_run, tasks)


#: What runs a task in this process of a pool.
_run_prepared: Callable[[Any], Any] | None = None


def _start(prepare: Callable[[], Callable[[Any], Any]]) -> None:
    global _run_prepared
    start_child()
    _run_prepared = prepare()


def _run(task: Any) -> Any:
    assert _run_prepared is not None, "the initializer has run"
    return _run_prepared(task)
