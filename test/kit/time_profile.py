"""Pytest plugin: ``--time-profile`` prints where the time of a run went, by folder and by file.

Time is measured in two ways. Elapsed seconds, of set-up, test and tear-down, are what a worker
waits for. Processor seconds are those of the pytest process and of all processes below it, however
busy the machine is. A file with far fewer processor seconds than elapsed ones mostly waits.
"""

import os
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

OPTION = "--time-profile"
FILES_SHOWN = 40
COLUMNS = ("cases", "setup", "call", "teardown", "elapsed", "processor")
PROPERTY = "processor_seconds"
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="print where the time went, by folder")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(OPTION):
        config.pluginmanager.register(TimeProfile())


class TimeProfile:
    """Measures each test where it runs, and adds up the reports where they are printed."""

    def __init__(self) -> None:
        self._measured = 0.0
        self._by_file: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def pytest_collection_finish(self) -> None:
        self._measured = processor_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        if call.when == "teardown":
            now = processor_seconds()
            item.user_properties.append((PROPERTY, now - self._measured))
            self._measured = now
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        row = self._by_file[report.nodeid.partition("::")[0]]
        row[report.when or "call"] += report.duration  # type: ignore[assignment]
        row["elapsed"] += report.duration  # type: ignore[assignment]
        if report.when == "teardown":
            row["cases"] += 1
            row["processor"] += dict(report.user_properties)[PROPERTY]  # type: ignore[call-overload]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("time by folder")
        for line in self._table(lambda name: str(Path(name).parent)):
            terminalreporter.write_line(line)
        terminalreporter.section(f"time by file: the {FILES_SHOWN} longest")
        for line in self._table(lambda name: name)[: FILES_SHOWN + 2]:
            terminalreporter.write_line(line)

    def _table(self, group: Callable[[str], str]) -> list[str]:
        """A heading, the totals, and a row for each group, longest first."""
        rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for name, row in self._by_file.items():
            for key in (group(name), "all"):
                rows[key].update(row)
        ordered = sorted(rows.items(), key=lambda each: -each[1]["elapsed"])
        heading = "".join(f"{name:>10}" for name in COLUMNS)
        return [heading, *(_line(name, row) for name, row in ordered)]


def processor_seconds() -> float:
    """Processor time of this process, its ended children, and all live processes below it."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    live = sum(_ticks(pid) for pid in _descendants(os.getpid()))
    return time.process_time() + ended.ru_utime + ended.ru_stime + live / _TICKS_PER_SECOND


def _descendants(pid: int) -> Iterator[int]:
    try:
        texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # The process or one of its threads has ended meanwhile.
        return
    for child in (int(word) for text in texts for word in text.split()):
        yield child
        yield from _descendants(child)


def _ticks(pid: int) -> int:
    """Time of a process and of its ended children; 0 if it has ended itself."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15])


def _line(name: str, row: "Counter[str]") -> str:
    numbers = "".join(f"{row[column]:10.1f}" for column in COLUMNS[1:])
    return f"{row['cases']:10}{numbers}  {name}"
