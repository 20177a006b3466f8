"""Pytest plugin: which test files the workers of pytest-xdist get, and in which order.

The longest files come first, so that none of them runs alone at the end, and unit tests last,
because they are short. All other files are mixed: files that mostly wait for an exchange then run
beside files that compute, instead of all workers waiting at the same time. Files that start
processes of the gateway are mixed into the first half. One process without workers keeps the order
of the folders.

The files that drive a browser are handed to one worker, so that one Chromium, and one gateway of
each kind, serves all of them.
"""

import zlib

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

#: Files of more than a minute on a busy machine, longest first.
LONGEST = (
    "test/e2e/test_schemathesis.py",
    "test/e2e/web/test_every_page.py",
    "test/e2e/test_whole_command_line.py",
    "test/e2e/test_process_kills.py",
    "test/e2e/test_fault_run.py",
    "test/e2e/test_many_workers.py",
    "test/e2e/docs/test_docs.py",
    "test/e2e/docs/test_docs_http.py",
    "test/e2e/bots/test_bot_kills.py",
    "test/e2e/test_stream.py",
    "test/e2e/testnet/test_testnet_walk.py",
    "test/integration/store/test_query_plans.py",
)
#: Files of one worker, and those beside them that need neither browser nor gateway.
BROWSER = "test/e2e/web/"
WITHOUT_BROWSER = (f"{BROWSER}test_page_build.py", f"{BROWSER}test_page_distribution.py")
#: What takes half a minute, and starts in the first half.
LONG = "test/e2e/"
SHORTEST = "test/unit/"


class FileScheduling(LoadFileScheduling):
    """Hands out whole files, and the files that drive a browser together."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        is_browser = file.startswith(BROWSER) and file not in WITHOUT_BROWSER
        return BROWSER if is_browser else file

    def remove_node(self, node: WorkerController) -> str | None:
        """Remove a worker that has ended; hand its other tests out again.

        Returns the test that a crashed worker ran. It is not repeated: a test that hangs, or ends
        its process, would do so in every worker.
        """
        units = self.assigned_work.pop(node)
        waiting = [
            test for tests in units.values() for test, is_done in tests.items() if not is_done
        ]
        if not waiting:
            return None
        crashed = waiting[0]
        units[self._split_scope(crashed)][crashed] = True
        self.workqueue.update(
            {scope: tests for scope, tests in units.items() if not all(tests.values())}
        )
        for other in self.assigned_work:
            if other in self.registered_collections:  # else it has just taken another's place
                self._reschedule(other)
        return crashed


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling:
    """The scheduler of the workers."""
    return FileScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the files of a worker; every worker must come to the same order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _position(item.nodeid.partition("::")[0]))


def _position(file: str) -> tuple[int, int]:
    """The sort key of a file. A checksum of its name mixes the folders, equally in each run."""
    if file in LONGEST:
        return 0, LONGEST.index(file)
    checksum = zlib.crc32(file.encode())
    if file.startswith(SHORTEST):
        return 2, checksum
    return 1, checksum // 2 if file.startswith(LONG) else checksum
