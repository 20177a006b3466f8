"""What the fault run disturbs exists at each dialect, and what cannot occur there has a reason."""

import json
import re
from pathlib import Path

import pytest

from kit.exchanges.loopback_process import LoopbackExchange
from kit.faults.exchange_faults import FAULT_KINDS, TARGETS

SOURCES = Path(__file__).parents[2] / "tools" / "loopback"
ROUTE = re.compile(r'\("(GET|POST|PUT|DELETE)", "(/[^"]+)"\)')
#: Changes of an account without a request of ours, which the run does not inject.
NOT_INJECTED = {"adl", "child_orders"}


def routes(dialect: str) -> list[str]:
    """The private requests of a dialect: method and path."""
    text = (SOURCES / dialect / "api.py").read_text(encoding="utf-8")
    return [" ".join(route) for route in ROUTE.findall(text)]


def test_every_kind_of_fault_is_injected(venue: LoopbackExchange) -> None:
    with pytest.raises(AssertionError) as refused:
        venue.control("fault", mode="none")
    text = json.loads(str(refused.value))["error"]
    modes = {*text.rpartition("one of ")[2].split(", ")}
    assert FAULT_KINDS.keys() == modes - NOT_INJECTED


@pytest.mark.parametrize("dialect", TARGETS)
def test_a_kind_without_target_has_a_reason(dialect: str) -> None:
    targets = TARGETS[dialect]
    assert targets.impossible.keys() <= FAULT_KINDS.keys()
    for kind in FAULT_KINDS:
        assert bool(targets.matches(kind)) is (kind not in targets.impossible), kind
    assert all(len(reason.split()) > 5 for reason in targets.impossible.values())


@pytest.mark.parametrize("dialect", TARGETS)
def test_targets_are_requests_of_the_dialect(dialect: str) -> None:
    targets, lines = TARGETS[dialect], routes(dialect)
    assert lines
    paths = [line.split()[1] for line in lines]
    for match in (*targets.writes, *targets.creates, *targets.keyed):
        assert any(match in line for line in lines), match
    for match in (*targets.reads, *targets.trades, *targets.any):
        assert any(match in path for path in paths), match
