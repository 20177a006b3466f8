"""Order transition table: every (state × report) pair, and the fields that a report changes."""

from decimal import Decimal
from itertools import product

import pytest

from kit.builders import NOON, a_fill, a_report, an_order
from oms.domain.orders.execution_report import ReportKind
from oms.domain.orders.order import (
    FOLLOW_QUANTITY,
    TERMINAL,
    TRANSITIONS,
    Order,
    OrderState,
    advance_order,
    next_state,
)

PAIRS = list(product(OrderState, ReportKind))


@pytest.mark.parametrize(("state", "kind"), PAIRS, ids=lambda pair: str(pair.value))
def test_a_pair_outside_the_table_changes_nothing(state: OrderState, kind: ReportKind) -> None:
    result = next_state(state, kind, left=True, filled=True)
    target = TRANSITIONS.get((state, kind))
    if target is None:
        assert result is None
    elif target is FOLLOW_QUANTITY:
        assert result is (OrderState.PARTIALLY_FILLED if state.is_open else state)
    elif (state, kind) == (OrderState.REJECTED, ReportKind.ACCEPTED):
        assert result is None, "only an order that was never placed may turn up"
    else:
        assert result is target


@pytest.mark.parametrize("state", OrderState)
def test_a_fill_is_legal_from_every_state(state: OrderState) -> None:
    assert next_state(state, ReportKind.EXECUTION, left=False, filled=True) is OrderState.FILLED
    assert next_state(state, ReportKind.EXECUTION, left=True, filled=True) is not None


@pytest.mark.parametrize("state", sorted(TERMINAL))
@pytest.mark.parametrize(
    "kind",
    sorted(set(ReportKind) - {ReportKind.EXECUTION, ReportKind.ACCEPTED, ReportKind.BUSTED}),
)
def test_only_a_fill_moves_a_final_order(state: OrderState, kind: ReportKind) -> None:
    assert next_state(state, kind, left=True, filled=False) is None


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_a_bust_leaves_an_order_final(state: OrderState) -> None:
    after = next_state(state, ReportKind.BUSTED, left=True, filled=False)
    assert after is (OrderState.CANCELED if state is OrderState.FILLED else state)


@pytest.mark.parametrize("kind", [ReportKind.ACCEPTED, ReportKind.EXECUTION])
def test_an_order_that_was_not_placed_may_appear_later(kind: ReportKind) -> None:
    state = next_state(OrderState.REJECTED, kind, left=True, filled=False, code="not_placed")
    assert state is OrderState.SUBMITTED


def test_a_fill_keeps_a_pending_cancel() -> None:
    order = _accepted(qty=Decimal(2), pending_change="cancel")
    after = _after(order, a_fill("1", "100"))
    assert after.state is OrderState.PARTIALLY_FILLED
    assert after.pending_change == "cancel"


def test_quantities_add_up_while_open_and_after() -> None:
    order = _after(_accepted(qty=Decimal(3)), a_fill("1", "100"))
    assert order.qty == order.filled_qty + order.remaining_qty
    canceled = _after(order, a_report(ReportKind.CANCELED))
    assert (canceled.remaining_qty, canceled.canceled_qty) == (Decimal(0), Decimal(2))
    assert canceled.closed_at == NOON


def test_a_late_fill_completes_a_canceled_order() -> None:
    canceled = _after(_accepted(qty=Decimal(1)), a_report(ReportKind.CANCELED))
    assert _after(canceled, a_fill("0.4", "100")).state is OrderState.CANCELED
    assert _after(canceled, a_fill("1", "100")).state is OrderState.FILLED


def test_the_average_is_exact_over_many_fills() -> None:
    order = _accepted(qty=Decimal(3))
    order = _after(order, a_fill("1", "100", trade="1"))
    order = _after(order, a_fill("2", "100.1", trade="2"))
    assert str(order.avg_fill_price) == "100.066666666666666667"


def test_shrinking_to_what_is_filled_completes_the_order() -> None:
    order = _after(_accepted(qty=Decimal(3)), a_fill("1", "100"))
    assert _after(order, a_report(ReportKind.CHANGED, qty=Decimal(1))).state is OrderState.FILLED


def test_a_rejected_rest_is_a_cancel() -> None:
    order = _after(_accepted(qty=Decimal(3)), a_fill("1", "100"))
    assert _after(order, a_report(ReportKind.REJECTED, code="x")).state is OrderState.CANCELED


def test_the_rejecting_side_is_recorded() -> None:
    refused = _after(an_order(), a_report(ReportKind.REFUSED, code="risk_blocked", message="m"))
    rejected = _after(an_order(), a_report(ReportKind.REJECTED, code="no_price", message="m"))
    assert (refused.reject_source, refused.reject_code) == ("oms", "risk_blocked")
    assert (rejected.reject_source, rejected.reject_code) == ("exchange", "no_price")


def test_a_reduction_reported_before_the_response_is_applied() -> None:
    """Reduce-only: reduced from 3 to 1 on arrival, executed, and acknowledged afterwards."""
    cut = _after(an_order(qty=Decimal(3)), a_report(ReportKind.CHANGED, qty=Decimal(1)))
    assert (cut.state, cut.qty) == (OrderState.SUBMITTED, Decimal(1))
    assert advance_order(cut, a_report(ReportKind.ACCEPTED)) is None
    assert _after(cut, a_fill("1", "100")).state is OrderState.FILLED


@pytest.mark.parametrize("code", ["order_not_found", "invalid_order_state"])
def test_a_refused_cancel_leaves_the_order(code: str) -> None:
    order = _accepted(qty=Decimal(3), pending_change="cancel")
    after = _after(order, a_report(ReportKind.REJECTED, code=code))
    assert (after.state, after.pending_change) == (OrderState.SUBMITTED, None)


def test_a_cancel_that_outruns_its_order_does_not_reject_it() -> None:
    order = an_order(pending_change="cancel")
    after = _after(order, a_report(ReportKind.REJECTED, code="order_not_found"))
    assert (after.state, after.pending_change) == (OrderState.PENDING_SUBMIT, None)
    rejected = _after(order, a_report(ReportKind.REJECTED, code="no_price"))
    assert rejected.state is OrderState.REJECTED


def _accepted(**changes: object) -> Order:
    return _after(an_order(**changes), a_report(ReportKind.ACCEPTED))


def _after(order: Order, report: object) -> Order:
    after = advance_order(order, report)  # type: ignore[arg-type]
    assert after is not None
    return after
