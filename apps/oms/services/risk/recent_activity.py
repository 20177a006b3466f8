"""What an account did lately: its stored rows, with what is not committed yet.

Nothing is kept between two orders, so that a restart or another worker changes no count.
"""

from datetime import datetime

from oms.domain.ledger.position import PositionState
from oms.domain.risk.policy import AccountPolicy
from oms.domain.risk.recent import ORDERS_WINDOW, RESULTS_MAX, ClosedResult, Recent, RecentOrder
from oms.services.account_state.state import AccountState

ORDER_RATE = "max_orders_per_minute"
COOLDOWN = "cooldown_seconds_after_losses"


async def read_recent(
    state: AccountState, policy: AccountPolicy, strategy_id: int | None, now: datetime
) -> Recent | None:
    """Return what limits of the account and of a strategy (``None``: of all) count.

    ``None`` if no limit counts it, or it cannot be read. Raises ``Unavailable``.
    """
    keys = policy.all_keys() if strategy_id is None else policy.keys_for(strategy_id)
    if state.recent_activity is None or keys.isdisjoint((ORDER_RATE, COOLDOWN)):
        return None
    account_id, since = state.account.id, now - ORDERS_WINDOW
    # Taken before the reads: a commit in progress may end meanwhile, and is then read as well.
    units = state.units_of_work()
    orders = {o.id: o for work in units for o in (work.orders_new | work.orders_changed).values()}
    ended = {p.id: p for w in units for p in (w.positions_new | w.positions_changed).values()}
    recent, results = dict[int, RecentOrder](), dict[int, ClosedResult]()
    if ORDER_RATE in keys:
        recent = {o.id: o for o in await state.recent_activity.orders(account_id, since)}
    for order in orders.values():
        recent.pop(order.id, None)
        if not order.reduce_only and order.reject_source != "oms":
            recent[order.id] = RecentOrder(
                id=order.id, strategy_id=order.strategy_id, created_at=order.created_at
            )
    if COOLDOWN in keys:
        stored = await state.recent_activity.results(account_id, RESULTS_MAX)
        results = {each.id: each for each in stored}
    for position in ended.values():
        results.pop(position.id, None)
        if position.state is PositionState.CLOSED and position.closed_at is not None:
            results[position.id] = ClosedResult(
                id=position.id,
                strategy_id=position.strategy_id,
                closed_at=position.closed_at,
                profit=position.realized_pnl,
            )
    newest = sorted(results.values(), key=lambda each: (each.closed_at, each.id), reverse=True)
    return Recent(now=now, orders=tuple(recent.values()), results=tuple(newest))
