"""Pytest plugin for tests marked `recorded`, which read data recorded on real exchanges.

The data is not part of the repository: `OMS_TEST_DATA` names its folder. If the variable is unset,
these tests are deselected and the terminal summary counts them; a folder that does not exist is an
error.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

VARIABLE = "OMS_TEST_DATA"
_deselected = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """The folder of recorded data. Raises RuntimeError in a test without the marker `recorded`."""
    folder = _folder()
    if folder is None:
        raise RuntimeError("a test that uses recorded_data must be marked `recorded`")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_deselected] = 0
    folder = _folder()
    if folder is not None and not folder.is_dir():
        raise pytest.UsageError(f"{VARIABLE}={folder} is not a folder")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _folder() is not None:
        return
    recorded = [item for item in items if item.get_closest_marker("recorded") is not None]
    items[:] = [item for item in items if item not in set(recorded)]
    config.stash[_deselected] = len(recorded)
    if recorded:
        config.hook.pytest_deselected(items=recorded)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    # Under xdist only the workers collect, and each collects all tests.
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[VARIABLE] = session.config.stash[_deselected]
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    count = getattr(node, "workeroutput", {}).get(VARIABLE, 0)
    config.stash[_deselected] = max(config.stash[_deselected], count)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    count = config.stash[_deselected]
    if count:
        terminalreporter.write_line(
            f"{count} tests with recorded exchange data were deselected: {VARIABLE} is not set",
            yellow=True,
        )


def _folder() -> Path | None:
    folder = os.environ.get(VARIABLE)
    return Path(folder) if folder else None
