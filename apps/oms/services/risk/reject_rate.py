"""Too many rejections by an exchange: the account may only reduce until a person releases it.

The kill switch is written by the transaction that records the rejection, so it cannot be lost. It
applies to the next order of this worker at once.
"""

import time
from collections.abc import Iterable
from datetime import datetime

from oms.domain.commands.account_commands import EnforceKillSwitch
from oms.domain.event import Event, Namespace
from oms.domain.money import decimal_text
from oms.domain.orders.order import Order, OrderState
from oms.domain.risk.kill_switch import (
    REJECTIONS_CAUSE,
    RELEASE_DELAY,
    KillMode,
    KillScope,
    KillSwitch,
)
from oms.domain.risk.measure import number_of
from oms.domain.risk.policy import Limit, scope_text
from oms.domain.risk.recent import ORDERS_WINDOW
from oms.ports.ids import IdBlocks
from oms.ports.registry import AuditEntry
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.state import AccountState
from oms.wire.json import dumps
from oms.wire.responses.kill_switch_rows import switch_row

REJECT_RATE = "auto_reject_rate_per_minute"
_SYSTEM = "system"


async def watch_rejections(
    state: AccountState, ids: IdBlocks, orders: Iterable[Order]
) -> Event | None:
    """Activate a kill switch if ``orders``, which just changed, make too many rejections.

    Returns the event; the switch and its command are in the unit of work. Raises ``Unavailable``.
    """
    limit = None if state.policy is None else state.policy.account.get(REJECT_RATE)
    if limit is None or state.recent_activity is None:
        return None
    rejected = [o for o in orders if o.state is OrderState.REJECTED and _is_rejection(o)]
    if not rejected:
        return None
    if any(each.cause == REJECTIONS_CAUSE for each in state.kill_switches):
        return None
    now = max(order.updated_at for order in rejected)
    count = len(await _rejected_ids(state, now - ORDERS_WINDOW))
    if count < number_of(limit):
        return None
    await _activate(state, ids, limit, count, now)
    facts = {
        "scope": limit.scope.value,
        "scope_id": limit.scope_id,
        "key": limit.key,
        "reason": REJECTIONS_CAUSE,
        "limit": number_of(limit),
        "value": count,
    }
    return Event(name="risk_tripped", namespace=Namespace.RISK, facts=facts)


async def _rejected_ids(state: AccountState, since: datetime) -> set[int]:
    """Return the orders that the exchange rejected since then, stored or not."""
    assert state.recent_activity is not None, "the caller has checked it"
    # Taken before the read: the commit in progress may end meanwhile.
    units = state.units_of_work()
    changed = [o for work in units for o in (work.orders_new | work.orders_changed).values()]
    uncommitted = {o.id for o in changed if _is_rejection(o) and o.updated_at > since}
    return uncommitted | set(await state.recent_activity.rejections(state.account.id, since))


async def _activate(
    state: AccountState, ids: IdBlocks, limit: Limit, count: int, now: datetime
) -> None:
    await ids.ensure("kill", 1)
    await ids.ensure("audit", 1)
    comment = (
        f"the exchange rejected {count} orders within 60 s;"
        f" {scope_text(limit)} allows fewer than {decimal_text(number_of(limit))}"
    )
    switch = KillSwitch(
        id=ids("kill"),
        scope=KillScope.ACCOUNT,
        scope_id=str(state.account.id),
        mode=KillMode.REDUCE_ONLY,
        comment=comment,
        cancel_entries=False,
        cause=REJECTIONS_CAUSE,
        set_by=_SYSTEM,
        set_at=now,
    )
    state.work.kills.append(switch)
    expires_at = time.monotonic() + RELEASE_DELAY.total_seconds()
    state.own_kills = (*state.own_kills, (expires_at, switch))
    state.kill_switches = (*state.kill_switches, switch)
    entry = AuditEntry(
        actor=_SYSTEM,
        action="kill_on",
        entity="kill_switch",
        entity_id=str(switch.id),
        account_id=state.account.id,
        actor_role=_SYSTEM,
        after=dumps(switch_row(switch)),
        comment=comment,
    )
    state.work.audits.append((ids("audit"), entry))
    enforced = EnforceKillSwitch(
        kill_id=switch.id,
        scope=switch.scope.value,
        scope_id=switch.scope_id,
        mode=switch.mode.value,
        comment=comment,
    )
    await add_follow_up(state, ids, f"kill:{switch.id}", enforced, now)


def _is_rejection(order: Order) -> bool:
    return order.state is OrderState.REJECTED and order.reject_source == "exchange"
