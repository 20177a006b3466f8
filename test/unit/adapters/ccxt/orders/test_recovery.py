"""Recovery after a restart: what stored attempts prove, and what has to be looked up."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import an_order
from kit.exchanges.ccxt_harness import FAST_TIMINGS, TAG, CcxtHarness, now
from kit.exchanges.scripted_venue import ScriptedVenue, a_trade_row, an_order_row
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.timings import Timings
from oms.domain.orders.execution_report import ReportKind
from oms.domain.orders.order import Order, OrderState
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow

NAMES = ClientOrderIdCodec(TAG)
TIMINGS = evolve(FAST_TIMINGS, window_seconds=0.3)


@pytest.fixture
def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
async def new_harness(venue: ScriptedVenue) -> AsyncIterator[Callable[..., CcxtHarness]]:
    harnesses: list[CcxtHarness] = []

    def make(order: Order, *rows: AttemptRow, timings: Timings = TIMINGS) -> CcxtHarness:
        harness = CcxtHarness(
            make_client=lambda: venue,
            timings=timings,
            orders={order.id: order},
            attempts={(row.order_id, row.attempt, row.kind): row for row in rows},
        )
        harnesses.append(harness.start())
        return harness

    yield make
    for harness in harnesses:
        await harness.exchange.close()


def an_attempt(attempt: int = 1, kind: str = "place", **changes: Any) -> AttemptRow:
    made = now() - timedelta(seconds=60)
    values: dict[str, Any] = {
        "order_id": 1,
        "attempt": attempt,
        "kind": kind,
        "client_id": NAMES.encode(1, attempt),
        "request": '{"symbol":"BTC/USDT:USDT","side":"buy","type":"limit","qty":"1","price":"101"}',
        "may_send_until": made + timedelta(seconds=10),
        "created_at": made + timedelta(seconds=attempt),
    }
    return AttemptRow(**(values | changes))


def stored(state: OrderState = OrderState.PENDING_SUBMIT, **changes: Any) -> Order:
    return an_order(order_type="limit", price=Decimal(100), state=state, **changes)


PLACED: dict[str, Any] = {"outcome": "acked", "exchange_order_id": "x1"}
OPEN_ORDER = stored(OrderState.SUBMITTED, exchange_order_id="x1")


def shown(status: str = "New", **changes: Any) -> dict[str, Any]:
    return an_order_row("x1", NAMES.encode(1, 1), status, **changes)


@pytest.mark.parametrize(
    ("changes", "state", "code"),
    [
        ({"outcome": "rejected", "code": "insufficient_funds"}, "REJECTED", "insufficient_funds"),
        ({"outcome": "not_sent", "code": "host_mismatch"}, "REJECTED", "host_mismatch"),
        ({"outcome": "not_sent", "code": "revoked"}, "CANCELED", None),
        ({"outcome": None}, "REJECTED", "not_placed"),
        ({"outcome": "unknown"}, "REJECTED", "not_placed"),
    ],
)
async def test_an_order_that_does_not_exist(
    new_harness: Callable[..., CcxtHarness], changes: dict[str, Any], state: str, code: str | None
) -> None:
    harness = new_harness(stored(), an_attempt(**changes))
    await harness.wait_for_state(1, state)
    assert harness.orders[1].reject_code == code


async def test_restarts_do_not_prolong_an_unknown_outcome(
    new_harness: Callable[..., CcxtHarness],
) -> None:
    """The request was recorded a minute ago, and could be sent for ten seconds."""
    timings = evolve(TIMINGS, window_seconds=30.0)
    harness = new_harness(stored(), an_attempt(outcome="unknown", code="restart"), timings=timings)
    await harness.wait_for_state(1, "REJECTED", seconds=10)
    assert harness.orders[1].reject_code == "not_placed"


@pytest.mark.parametrize("changes", [{"outcome": None}, {"outcome": "unknown"}, PLACED])
async def test_an_order_that_exists(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue, changes: dict[str, Any]
) -> None:
    venue.open_orders = [shown()]
    harness = new_harness(stored(), an_attempt(**changes))
    await harness.wait_for_state(1, "SUBMITTED")
    assert harness.orders[1].exchange_order_id == "x1"
    assert not venue.writes


async def test_an_order_without_an_attempt_was_never_sent(
    new_harness: Callable[..., CcxtHarness],
) -> None:
    harness = new_harness(stored())
    await harness.wait_for_state(1, "REJECTED")
    assert harness.orders[1].reject_code == "expired_before_send"


async def test_executions_are_reported_again(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue
) -> None:
    """One was booked before the restart, another was made meanwhile."""
    name = NAMES.encode(1, 1)
    venue.open_orders = [shown("PartiallyFilled", filled="0.6")]
    venue.trades = [
        a_trade_row("t1", "x1", name, "0.4"),
        a_trade_row("t2", "x1", name, "0.2"),
    ]
    harness = new_harness(OPEN_ORDER, an_attempt(**PLACED))
    await harness.wait_until(lambda: harness.kinds(1).count(ReportKind.EXECUTION) == 2, "both")


@pytest.mark.parametrize("outcome", [None, "unknown", "acked"])
@pytest.mark.parametrize("is_done", [True, False])
async def test_a_pending_cancel(
    new_harness: Callable[..., CcxtHarness],
    venue: ScriptedVenue,
    outcome: str | None,
    is_done: bool,
) -> None:
    if is_done:
        venue.closed_orders = [shown("Cancelled")]
    else:
        venue.open_orders = [shown()]
    order = evolve(OPEN_ORDER, pending_change="cancel")
    harness = new_harness(order, an_attempt(**PLACED), an_attempt(2, "cancel", outcome=outcome))
    await harness.wait_until(lambda: harness.orders[1].pending_change is None, "known")
    assert harness.state(1) == ("CANCELED" if is_done else "SUBMITTED")


@pytest.mark.parametrize("price", ["101", "100"])
async def test_a_pending_amendment(
    new_harness: Callable[..., CcxtHarness], venue: ScriptedVenue, price: str
) -> None:
    venue.open_orders = [shown(price=price)]
    order = evolve(OPEN_ORDER, pending_change="change")
    harness = new_harness(order, an_attempt(**PLACED), an_attempt(2, "change"))
    await harness.wait_until(lambda: harness.orders[1].pending_change is None, "known")
    assert harness.orders[1].price == Decimal(price)
    assert harness.state(1) == "SUBMITTED"
    assert not venue.writes, "a change is never repeated"
