"""What an account did lately is kept in memory as its stored rows would be counted."""

from datetime import timedelta
from decimal import Decimal

from kit.builders import NOON, an_order
from kit.databases.store_rows import a_position
from oms.domain.ledger.position import PositionState
from oms.domain.orders.order import OrderState
from oms.domain.risk.recent import RESULTS_MAX, ClosedResult, RecentOrder
from oms.domain.value import evolve
from oms.services.account_state.activity import Activity


def _at(seconds: int) -> dict[str, object]:
    moment = NOON + timedelta(seconds=seconds)
    return {"created_at": moment, "updated_at": moment}


def test_orders_are_counted_for_a_minute() -> None:
    activity = Activity()
    stored = [RecentOrder(id=1, strategy_id=4, created_at=NOON - timedelta(seconds=59))]
    activity.load_orders(stored, [an_order(id=2, strategy_id=4, **_at(0))])
    activity.note_order(an_order(id=3, strategy_id=5, **_at(0)))
    activity.note_order(an_order(id=3, strategy_id=5, **_at(0)))

    recent = activity.recent(NOON)
    assert [recent.orders_of(each) for each in (None, 4, 5)] == [3, 2, 1]
    assert activity.recent(NOON + timedelta(seconds=1)).orders_of(4) == 1
    assert activity.recent(NOON + timedelta(seconds=60)).orders_of(None) == 0


def test_refused_and_reducing_orders_do_not_count() -> None:
    activity = Activity()
    activity.load_orders([], [an_order(id=1, reduce_only=True, **_at(0))])
    placed = an_order(id=2, **_at(0))
    activity.note_order(placed)
    activity.note_order(evolve(placed, state=OrderState.REJECTED, reject_source="oms"))
    activity.note_order(an_order(id=3, reject_source="exchange", **_at(0)))

    assert activity.recent(NOON).orders_of(None) == 1


def test_an_old_order_that_changes_is_not_a_new_one() -> None:
    activity = Activity()
    activity.load_orders([], [])
    old = an_order(id=1, created_at=NOON - timedelta(hours=1), updated_at=NOON)
    activity.note_order(old)

    assert activity.recent(NOON).orders_of(None) == 0


def test_results_are_those_of_positions_that_are_closed_now() -> None:
    activity = Activity()
    stored = ClosedResult(id=1, strategy_id=4, closed_at=NOON, profit=Decimal(-1))
    activity.load_results([stored], [])
    closed = a_position(
        2,
        1,
        state=PositionState.CLOSED,
        closed_at=NOON + timedelta(seconds=1),
        realized_pnl=Decimal(-2),
    )
    activity.note_position(closed)
    assert [each.id for each in activity.recent(NOON).results] == [2, 1]

    activity.note_position(evolve(closed, realized_pnl=Decimal(3)))
    assert [each.profit for each in activity.recent(NOON).results] == [3, -1]
    activity.note_position(evolve(closed, state=PositionState.OPEN, closed_at=None))
    assert [each.id for each in activity.recent(NOON).results] == [1]


def test_only_the_newest_results_are_kept() -> None:
    activity = Activity()
    results = [
        ClosedResult(
            id=number,
            strategy_id=4,
            closed_at=NOON + timedelta(seconds=number),
            profit=Decimal(-1),
        )
        for number in range(RESULTS_MAX)
    ]
    activity.load_results(results, [])
    late = NOON + timedelta(days=1)
    activity.note_position(a_position(9999, 1, state=PositionState.CLOSED, closed_at=late))

    kept = activity.recent(NOON).results
    assert (len(kept), kept[0].id, kept[-1].id) == (RESULTS_MAX, 9999, 1)
