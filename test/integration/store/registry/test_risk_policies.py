"""Limits of risk policies in the database: stored, replaced, removed, and named if unreadable."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from kit.builders import NOON
from kit.databases.sql import execute, fetch_rows
from kit.databases.store_rows import a_fill, a_lease, an_account
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.position import PositionState
from oms.domain.risk.limit_context import NO_TRIPS, HighWater, RiskState, Trip
from oms.domain.risk.policy import NO_LIMITS, Limit, LimitChange, PolicyScope, StoredLimits
from oms.domain.risk.recent import ClosedResult, RecentOrder
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext

CONTEXT = AuditContext(actor="ann", at=NOON, user_id=7, comment="first week")


def _change(scope: PolicyScope, scope_id: int, setting: Any) -> LimitChange:
    key = "allowed_symbols" if isinstance(setting, frozenset) else "max_order_notional"
    limit = Limit(
        key=key,
        setting=setting,
        scope=scope,
        scope_id=scope_id,
        set_by="ann",
        set_by_user_id=7,
        set_at=NOON,
        comment="first week",
    )
    return LimitChange(scope=scope, scope_id=scope_id, key=key, limit=limit)


def _stored(*changes: LimitChange) -> StoredLimits:
    return StoredLimits(limits=tuple(change.limit for change in changes if change.limit))


async def test_limits_of_an_account_are_written_with_its_ledger(store: SqlStore) -> None:
    account = await an_account(store)
    lease = await a_lease(store, account)
    money = _change(PolicyScope.ACCOUNT, account, Decimal("12.000000000000000001"))
    symbols = _change(PolicyScope.ACCOUNT, account, frozenset({"BTC/USDT", "ETH/USDT:USDT"}))
    batch = evolve(a_fill(lease, 1, 1), results={}, limits=(money, symbols))
    assert not await store.ledger.commit([batch])
    assert (await store.ledger.load(lease)).limits == _stored(symbols, money)
    assert await store.risk_policies.of_scope(PolicyScope.ACCOUNT, account) == _stored(
        symbols, money
    )
    assert await store.risk_policies.shared() == NO_LIMITS
    removed = replace(money, limit=None)
    tighter = _change(PolicyScope.ACCOUNT, account, frozenset({"BTC/USDT"}))
    batch = evolve(a_fill(lease, 2, 2), results={}, limits=(removed, tighter))
    assert not await store.ledger.commit([batch])
    assert (await store.ledger.load(lease)).limits == _stored(tighter)


async def test_losses_are_written_with_the_ledger_and_replaced(store: SqlStore) -> None:
    account = await an_account(store)
    lease = await a_lease(store, account)
    assert (await store.ledger.load(lease)).risk == NO_TRIPS
    mark = HighWater(currency="USDT", peak=Decimal("12.000000000000000001"), as_of=NOON)
    day, drawdown = (
        Trip(key=key, scope="account", tripped_at=NOON, limit=Decimal(5), actual=actual)
        for key, actual in (("daily_loss_limit_pct", None), ("max_total_drawdown_pct", Decimal(6)))
    )
    reached = RiskState(trips=(day, drawdown), high_water=mark)
    batch = evolve(a_fill(lease, 1, 1), results={}, risk=reached)
    assert not await store.ledger.commit([batch])
    assert (await store.ledger.load(lease)).risk == reached
    after = RiskState(trips=(day,), high_water=evolve(mark, peak=Decimal(9), reset_at=NOON))
    batch = evolve(a_fill(lease, 2, 2), results={}, risk=after)
    assert not await store.ledger.commit([batch])
    assert (await store.ledger.load(lease)).risk == after


async def test_limits_of_other_scopes_are_stored_with_audit_row_and_event(
    store: SqlStore, place: Any
) -> None:
    wide = _change(PolicyScope.GLOBAL, 0, Decimal(500))
    narrow = _change(PolicyScope.STRATEGY, 4, Decimal(100))
    await store.risk_policies.change(PolicyScope.GLOBAL, 0, [wide], CONTEXT)
    await store.risk_policies.change(PolicyScope.STRATEGY, 4, [narrow], CONTEXT)
    assert await store.risk_policies.shared() == _stored(wide, narrow)
    audits = fetch_rows(
        place.url,
        "SELECT actor, entity, entity_id, comment FROM audit_log"
        " WHERE action = 'risk_policy' ORDER BY id",
    )
    assert [tuple(row) for row in audits] == [
        ("ann", "global_policy", "0", "first week"),
        ("ann", "strategy_policy", "4", "first week"),
    ]
    events = fetch_rows(
        place.url,
        "SELECT event_type FROM event_outbox WHERE account_id = 0 ORDER BY seq",
    )
    assert [row[0] for row in events] == ["risk_policy_changed"] * 2


async def test_a_row_that_is_no_limit_is_named(store: SqlStore, place: Any) -> None:
    await store.risk_policies.change(
        PolicyScope.GLOBAL, 0, [_change(PolicyScope.GLOBAL, 0, Decimal(500))], CONTEXT
    )
    execute(place.url, "UPDATE risk_policies SET value_json = '[1]'")
    stored = await store.risk_policies.shared()
    assert stored.limits == ()
    assert stored.unreadable is not None and stored.unreadable.startswith("max_order_notional of")


async def test_what_an_account_did_lately_is_read(store: SqlStore) -> None:
    account = await an_account(store)
    lease = await a_lease(store, account)
    batch = evolve(a_fill(lease, 1, 1), results={})
    (order,), (position,) = batch.orders_new, batch.positions_new
    closed = evolve(position, state=PositionState.CLOSED, closed_at=NOON, realized_pnl=Decimal(-2))
    assert not await store.ledger.commit([evolve(batch, positions_new=(closed,))])
    made = RecentOrder(id=order.id, strategy_id=order.strategy_id, created_at=order.created_at)
    recent = store.recent_activity
    assert list(await recent.orders(account, order.created_at)) == [made]
    assert list(await recent.orders(account, order.created_at + timedelta(seconds=1))) == []
    ended = ClosedResult(
        id=closed.id, strategy_id=closed.strategy_id, closed_at=NOON, profit=Decimal(-2)
    )
    assert list(await recent.results(account, 5)) == [ended]
    assert list(await recent.results(account + 1, 5)) == []
