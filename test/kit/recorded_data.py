"""Pytest plugin for tests marked `recorded`, which read data recorded on real exchanges.

That data is not part of the repository: `OMS_TEST_DATA` names its folder. Without it these tests
are left out and the closing output counts them; a folder that is named but missing is an error.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

VARIABLE = "OMS_TEST_DATA"
_left_out = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def recorded_data() -> Path:
    """The folder of recorded data; for tests marked `recorded` only."""
    folder = _folder()
    if folder is None:
        raise RuntimeError("a test that asks for recorded_data must be marked `recorded`")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_left_out] = 0
    folder = _folder()
    if folder is not None and not folder.is_dir():
        raise pytest.UsageError(f"{VARIABLE}={folder} is not a folder")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _folder() is not None:
        return
    recorded = [item for item in items if item.get_closest_marker("recorded") is not None]
    items[:] = [item for item in items if item not in set(recorded)]
    config.stash[_left_out] = len(recorded)
    if recorded:
        config.hook.pytest_deselected(items=recorded)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    # Under xdist only the workers collect; each has seen all tests, so any of them may tell.
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[VARIABLE] = session.config.stash[_left_out]
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    told = getattr(node, "workeroutput", {}).get(VARIABLE, 0)
    config.stash[_left_out] = max(config.stash[_left_out], told)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    count = config.stash[_left_out]
    if count:
        terminalreporter.write_line(
            f"{count} tests with recorded exchange data were left out: {VARIABLE} is not set",
            yellow=True,
        )


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None
