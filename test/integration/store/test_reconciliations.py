"""Stored results of reconciliation and operator decisions, on every kind of database."""

from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from kit.databases.sql import execute
from kit.databases.store_rows import NOON, a_deal, a_fill, a_lease, an_account, seconds_after
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.deal import DealType
from oms.domain.reconcile.discrepancy import (
    TRACKED_STATUSES,
    Discrepancy,
    DiscrepancyClass,
    DiscrepancyStatus,
)
from oms.domain.reconcile.position_comparison import Scope
from oms.domain.value import evolve
from oms.ports.ledger_store import RiskFlagUpdate
from oms.ports.reconcile_store import DiscrepancyQuery, ReconcileRows

AT = "2026-01-01 00:00:00"


def _row(number: int, account_id: int, status: DiscrepancyStatus) -> Discrepancy:
    return Discrepancy(
        id=number,
        account_id=account_id,
        kind="position_differs" if number % 2 else "order_vanished",
        symbol="BTC/USDT",
        subject=f"subject {number}",
        status=status.value,
        policy="quarantine",
        evidence='{"side":null}',
        fix='{"action":"correct"}',
        first_seen=NOON,
        last_seen=NOON,
    )


async def test_discrepancies_are_stored_and_paged(store: SqlStore) -> None:
    account = await an_account(store)
    lease = await a_lease(store, account)
    rows = [_row(number, account, status) for number, status in enumerate(DiscrepancyStatus, 1)]
    fill = evolve(a_fill(lease, 1, 1), results={}, reconciled=[ReconcileRows(discrepancies=rows)])
    assert await store.ledger.commit([fill]) == frozenset()
    read = store.reconcile_store
    assert [row.status for row in await read.tracked_discrepancies([account])] == [
        *("pending", "open", "applied", "dismissed"),
    ]
    assert list(await read.open_discrepancies([account])) == [rows[1]]
    assert await read.discrepancy(3) == rows[2]
    assert await read.discrepancy(99) is None
    query = DiscrepancyQuery(account_ids=[account], kinds=["position_differs"], limit=2)
    assert list(await read.find_discrepancies(query)) == [rows[0], rows[2]]
    assert list(await read.find_discrepancies(evolve(query, after_id=3))) == [rows[4]]
    assert await read.find_discrepancies(evolve(query, account_ids=[])) == ()


async def test_decided_differences_of_a_time_that_is_not_read_are_left_out(store: SqlStore) -> None:
    account = await an_account(store)
    lease = await a_lease(store, account)
    kinds = (DiscrepancyClass.FUNDING_DIFFERS, DiscrepancyClass.POSITION_DIFFERS)
    rows = [
        evolve(_row(number, account, status), kind=kind.value, first_seen=NOON)
        for number, (kind, status) in enumerate(product(kinds, TRACKED_STATUSES), 1)
    ]
    fill = evolve(a_fill(lease, 1, 1), results={}, reconciled=[ReconcileRows(discrepancies=rows)])
    assert await store.ledger.commit([fill]) == frozenset()
    read = store.reconcile_store.tracked_discrepancies
    assert [row.id for row in await read([account])] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [row.id for row in await read([account], NOON)] == [1, 2, 3, 4, 5, 6, 7, 8]
    # What was seen before cannot have happened later; open ones can still be decided.
    later = await read([account], seconds_after(1))
    assert [row.id for row in later] == [1, 2, 5, 6, 7, 8]


async def test_executions_and_balance_entries_of_an_account(store: SqlStore) -> None:
    account = await an_account(store)
    fill = a_fill(await a_lease(store, account), 1, 1)
    entries = [
        a_deal(
            number,
            account,
            order_id=None,
            position_id=0,
            symbol="SOL",
            type=DealType.BALANCE,
            profit=Decimal(amount),
            qty=Decimal(0),
            exchange_trade_id=f"balance:{number}",
        )
        for number, amount in ((7, "5"), (8, "-1.5"))
    ]
    paid = evolve(entries[0], id=9, type=DealType.FUNDING, exchange_trade_id="funding:1")
    batch = evolve(fill, results={}, deals=(*fill.deals, *entries, paid))
    assert await store.ledger.commit([batch]) == frozenset()
    read = store.reconcile_store
    assert await read.balance_entries(account) == {"SOL": Decimal("3.5")}
    (deal,) = await read.booked_executions(account, NOON, seconds_after(1))
    assert deal.exchange_trade_id == "T1"
    assert await read.booked_executions(account, seconds_after(1), seconds_after(2)) == []
    assert [deal.id for deal in await read.booked_funding(account, NOON, seconds_after(1))] == [9]
    assert await read.booked_funding(account, seconds_after(1), seconds_after(2)) == []


async def test_sending_account_among_accounts_with_the_same_credentials(
    store: SqlStore, place: Any
) -> None:
    first, second, third = [await an_account(store, label) for label in ("a", "b", "c")]
    fill = a_fill(await a_lease(store, first), 1, 1)
    await store.ledger.commit([evolve(fill, results={})])
    for account, fingerprint in ((first, "same"), (second, "same"), (third, "other")):
        execute(
            place.url,
            "INSERT INTO account_credentials_encrypted (account_id, api_key_enc, secret_enc,"
            " key_id, fingerprint, created_at, updated_at) VALUES"
            f" ({account}, '', '', 'k', '{fingerprint}', '{AT}', '{AT}')",
        )
    assert await store.ledger.sending_accounts(second, "BTC/USDT", ["X1", "X2"]) == {"X1": first}
    assert await store.ledger.sending_accounts(third, "BTC/USDT", ["X1"]) == {}
    assert await store.ledger.sending_accounts(first, "BTC/USDT", ["X1"]) == {}
    order_id = fill.orders_new[0].id
    senders = [
        await store.ledger.account_of_order(each, order_id) for each in (second, third, first)
    ]
    assert senders == [first, None, None]
    assert await store.ledger.account_of_order(second, order_id + 1) is None


async def test_schedule_and_quarantine_of_an_account(store: SqlStore, place: Any) -> None:
    account = await an_account(store)
    execute(place.url, "UPDATE accounts SET reconcile_short_interval_seconds = 5")
    (row,) = await store.reconcile_store.scheduled_accounts([account])
    assert (row.exchange_id, row.plan.every(Scope.SHORT)) == ("paper.binance", timedelta(seconds=5))
    lease = await a_lease(store, account)
    held = RiskFlagUpdate(is_quarantine=True, quarantine="position_differs")
    await store.ledger.commit([evolve(a_fill(lease, 1, 1), results={}, switches=[held])])
    assert (await store.ledger.load(lease)).account.quarantine == "position_differs"
    (registered,) = await store.registry.accounts([account])
    assert registered.quarantine == "position_differs"
