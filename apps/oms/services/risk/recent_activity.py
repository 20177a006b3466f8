"""What an account did lately: its stored rows, with what is not committed yet."""

from collections.abc import Collection, Mapping
from datetime import datetime

from oms.domain.risk.policy import AccountPolicy
from oms.domain.risk.policy_keys import SIGNAL_KEYS
from oms.domain.risk.recent import ORDERS_WINDOW, RESULTS_MAX, Recent
from oms.domain.risk.risk_day import day_start
from oms.domain.signals.signal import SignalStatus
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState

ORDER_RATE = "max_orders_per_minute"
COOLDOWN = "cooldown_seconds_after_losses"


async def read_recent(
    state: AccountState,
    policy: AccountPolicy,
    keys: Collection[str],
    now: datetime,
    *,
    counts_signals: bool,
) -> Recent | None:
    """Return what limits with these keys count.

    Stored orders and positions are read once per loaded account, stored signals each time, if they
    are asked for. ``None`` if it cannot be read. Raises ``Unavailable``.
    """
    if state.recent_activity is None:
        return None
    activity = state.activity
    lacks_orders = ORDER_RATE in keys and not activity.has_orders
    if lacks_orders or (COOLDOWN in keys and not activity.has_results):
        await _load(state, keys, now)
    recent = activity.recent(now)
    if not counts_signals or SIGNAL_KEYS.isdisjoint(keys):
        return recent
    return evolve(recent, signals=await _signals_of_day(state, policy, now))


async def _load(state: AccountState, keys: Collection[str], now: datetime) -> None:
    """Read what is not read yet, with what is not committed."""
    assert state.recent_activity is not None, "the caller has checked it"
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


async def _signals_of_day(
    state: AccountState, policy: AccountPolicy, now: datetime
) -> Mapping[tuple[int, str], int]:
    """Return the numbers of signals received today and done, also those not committed yet.

    The signals of an account are executed one after another: those that still wait come later.
    """
    assert state.recent_activity is not None, "the caller has checked it"
    # Taken before the read, as above.
    units, done = state.units_of_work(), SignalStatus.DONE
    new_ids = [i for work in units for i, ended in work.signals.items() if ended.status is done]
    since = day_start(now, policy.day_zone)
    return await state.recent_activity.signals(state.account.id, since, new_ids)
