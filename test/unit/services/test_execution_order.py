"""Executions that are reported together are applied from the oldest to the newest."""

from datetime import timedelta
from itertools import permutations

from kit.builders import NOON, a_fill
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.value import evolve
from oms.services.ledger.late_fills import in_execution_order


def _fill(order_id: int) -> ExecutionReport:
    """An execution of an order, as many minutes after noon as its id."""
    fill = a_fill("1", "100", order_id=order_id, trade=f"t{order_id}")
    assert fill.execution is not None
    at = NOON + timedelta(minutes=order_id)
    return evolve(fill, execution=evolve(fill.execution, executed_at=at))


def test_answers_in_any_order_are_applied_in_the_order_of_execution() -> None:
    fills = [_fill(order_id) for order_id in range(1, 5)]
    assert all(in_execution_order(answered) == fills for answered in permutations(fills))
