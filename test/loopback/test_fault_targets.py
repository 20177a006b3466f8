"""What the fault run disturbs exists at each dialect, and what cannot occur there has a reason."""

import pytest

from kit.faults.exchange_faults import FAULT_KINDS, TARGETS
from loopback.binance import api as binance
from loopback.bybit import api as bybit
from loopback.faults import GROUPS, FaultGroup
from loopback.okx import api as okx

#: Changes of an account without a request of ours, which the run does not inject.
NOT_INJECTED = {"adl", "child_orders"}
ROUTES = {
    "bybit": {" ".join(route) for route in (*bybit.PUBLIC, *bybit.PRIVATE)},
    "binance": {" ".join(route) for route in binance.PRIVATE},
    "okx": {" ".join(route) for route in okx.PRIVATE},
}
#: What a fault of a group is matched with: of a read the path alone, which has no method before it.
READS = (FaultGroup.READ, FaultGroup.MATCHING)


def test_every_kind_of_fault_is_injected() -> None:
    assert FAULT_KINDS.keys() == GROUPS.keys() - NOT_INJECTED


@pytest.mark.parametrize("dialect", TARGETS)
def test_a_kind_without_target_has_a_reason(dialect: str) -> None:
    targets = TARGETS[dialect]
    assert targets.impossible.keys() <= FAULT_KINDS.keys()
    for kind in FAULT_KINDS:
        assert bool(targets.matches(kind)) is (kind not in targets.impossible), kind
    assert all(len(reason.split()) > 5 for reason in targets.impossible.values())


@pytest.mark.parametrize("dialect", TARGETS)
def test_targets_are_requests_of_the_dialect(dialect: str) -> None:
    targets = TARGETS[dialect]
    for kind in FAULT_KINDS:
        group = GROUPS[kind]
        if group in (FaultGroup.STREAM, FaultGroup.NOW):
            continue
        for match in targets.matches(kind):
            routes = [each.split()[1] if group in READS else each for each in ROUTES[dialect]]
            assert any(match in each for each in routes), (kind, match)
