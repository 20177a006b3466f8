"""One gateway for the attack programs of a file, watched while it is attacked.

``OMS_TEST_ATTACK_SEED`` and ``OMS_TEST_ATTACK_SIZE`` (probes per program) choose what is sent.
``make attack`` sets them and prints the report.
"""

import os
import random
from collections.abc import Iterator

import pytest

from kit.attack.report import AttackReport, ProgramCounts
from kit.attack.stall_monitor import StallMonitor
from kit.attack.target import AttackTarget

SEED = int(os.environ.get("OMS_TEST_ATTACK_SEED", "1"))
SIZE = int(os.environ.get("OMS_TEST_ATTACK_SIZE", "300"))


@pytest.fixture(scope="module")
def report() -> AttackReport:
    """The counts of the file's programs."""
    return AttackReport()


@pytest.fixture(scope="module")
def target(
    tmp_path_factory: pytest.TempPathFactory, report: AttackReport
) -> Iterator[AttackTarget]:
    """The gateway; after the last program its books are verified and the report is printed."""
    running = AttackTarget.start(tmp_path_factory.mktemp("attacked"))
    api_pid = running.gateway.pid("api")
    monitor = StallMonitor(running.gateway.port, running.beats)
    try:
        yield running
        stalls = monitor.stop()
        print("\n" + report.table(SEED, SIZE, stalls))
        assert stalls["probes of the event loop"] > 0
        assert stalls["probes without a response"] == 0
        # None is expected; a busy machine prolongs even processor time.
        assert stalls["longest stall in ms"] < 100, stalls
        assert running.gateway.pid("api") == api_pid, "the API was restarted"
        assert "Traceback" not in running.log_text(), running.gateway.log_tail(80)
        verified = running.gateway.verify()
        assert verified["ok"], verified
    finally:
        running.stop()
        monitor.stop()


@pytest.fixture
def size() -> int:
    """Probes per program."""
    return SIZE


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> random.Random:
    """Random choices of one test, the same for the same seed."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def counts(
    request: pytest.FixtureRequest, report: AttackReport, target: AttackTarget
) -> Iterator[ProgramCounts]:
    """The counts of one program; afterwards the gateway must be healthy and nothing unexpected."""
    program = report.program(request.node.name.removeprefix("test_").replace("_", " "))
    yield program
    for path in ("/healthz", "/readyz"):
        answer = target.client.send("GET", path)
        assert answer.status == 200, answer
    assert program.requests > 0
    assert not program.unexpected, "\n".join(program.unexpected[:40])
