"""Progress of a long command on stderr: a bar on a terminal, else a line now and then."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: A bar is drawn this often; lines are written this often.
BAR_SECONDS, LINE_SECONDS = 0.1, 5.0


class ProgressReport:
    """Shows how much of ``total`` is done, the rate and the time left.

    Commands that end within the first interval show nothing.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._started_at = self._shown_at = time.monotonic()
        self._is_terminal = sys.stderr.isatty()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> "ProgressReport":
        """Start the clock."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, note: str = "", *, total: int | None = None) -> None:
        """Show that ``done`` of the total is done; ``total`` replaces the total."""
        self._total = self._total if total is None else total
        now = time.monotonic()
        if now - self._shown_at < (BAR_SECONDS if self._is_terminal else LINE_SECONDS):
            return
        self._shown_at = now
        if self._is_terminal:
            self._draw(done, note)
            return
        passed = now - self._started_at
        left = (self._total - done) * passed / done if done else 0
        share = 100 * done / self._total if self._total else 100
        line = f"{self._what}: {share:.0f} %, {passed:.0f} s, {left:.0f} s left"
        print(f"{line}, {note}" if note else line, file=sys.stderr, flush=True)

    def _draw(self, done: int, note: str) -> None:
        if self._bar is None or self._task is None:
            self._bar = _new_bar()
            self._task = self._bar.add_task(self._what, total=self._total, note="")
            self._bar.start()
        self._bar.update(self._task, completed=done, total=self._total, note=note, refresh=True)


def _new_bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
