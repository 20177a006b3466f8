"""What an account did lately: its stored rows, with what is not committed yet."""

from datetime import datetime

from oms.domain.risk.policy import AccountPolicy
from oms.domain.risk.recent import ORDERS_WINDOW, RESULTS_MAX, Recent
from oms.services.account_state.state import AccountState

ORDER_RATE = "max_orders_per_minute"
COOLDOWN = "cooldown_seconds_after_losses"


async def read_recent(
    state: AccountState, policy: AccountPolicy, strategy_id: int | None, now: datetime
) -> Recent | None:
    """Return what limits of the account and of a strategy (``None``: of all) count.

    Stored rows are read once per loaded account. ``None`` if no limit counts it, or it cannot be
    read. Raises ``Unavailable``.
    """
    keys = policy.all_keys() if strategy_id is None else policy.ruling(strategy_id).keys
    if state.recent_activity is None or keys.isdisjoint((ORDER_RATE, COOLDOWN)):
        return None
    activity, account_id = state.activity, state.account.id
    # Taken before the reads: a commit in progress may end meanwhile, and is then read as well.
    units = state.units_of_work()
    if ORDER_RATE in keys and not activity.has_orders:
        orders = await state.recent_activity.orders(account_id, now - ORDERS_WINDOW)
        new = [order for work in units for order in work.orders_new.values()]
        changed = [order for work in units for order in work.orders_changed.values()]
        activity.load_orders(orders, [*new, *changed])
    if COOLDOWN in keys and not activity.has_results:
        results = await state.recent_activity.results(account_id, RESULTS_MAX)
        ended = [p for w in units for p in (w.positions_new | w.positions_changed).values()]
        activity.load_results(results, ended)
    return activity.recent(now)
