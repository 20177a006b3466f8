"""Event numbers and rows stay consistent with concurrent writers and readers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal

from kit.builders import NOON
from kit.databases.sql import fetch_number, fetch_rows
from kit.databases.store_rows import a_command, a_fill, a_lease, an_account, enqueue
from oms.adapters.sql.store import SqlStore
from oms.domain.risk.policy import Limit, LimitChange, PolicyScope
from oms.ports.audit_log import AuditContext
from oms.ports.leases import Lease

Opener = Callable[[], Awaitable[SqlStore]]
ACCOUNTS = 4
FILLS = 40
POLICIES = 10
KEY = "max_order_notional"


async def test_tailing_reader_misses_no_number_with_concurrent_writers(another: Opener) -> None:
    """Each account has its own writer; the reader keeps only the last number it saw."""
    writers = [await another() for _ in range(ACCOUNTS)]
    reader = await another()
    leases = [
        await a_lease(store, await an_account(store), f"w{n}") for n, store in enumerate(writers)
    ]
    writing = asyncio.gather(
        *(
            _write_fills(store, lease, n)
            for n, (store, lease) in enumerate(zip(writers, leases, strict=True))
        )
    )
    last = {lease.account_id: 0 for lease in leases}

    async with asyncio.timeout(60):
        while any(seen < FILLS for seen in last.values()):
            for stored in await reader.history.events(last, 7):
                row = stored.row
                assert row.seq == last[row.account_id] + 1, "a number was skipped"
                last[row.account_id] = row.seq_to
    await writing

    assert set(last.values()) == {FILLS}
    assert await reader.history.heads(list(last)) == last


async def test_workers_competing_for_accounts_never_reuse_a_number(
    another: Opener, place: object
) -> None:
    """With very short leases both workers repeatedly believe to own an account; only one does."""
    first, second = await another(), await another()
    ids = [await an_account(first, f"a{n}") for n in range(3)]
    total = 120
    await enqueue(first, [a_command(n, ids[n % 3]) for n in range(1, total + 1)])

    await asyncio.gather(
        *(_run_worker(store, f"w{n}", ids) for n, store in enumerate((first, second)))
    )

    url: str = place.url  # type: ignore[attr-defined]
    assert fetch_number(url, "SELECT COUNT(*) FROM oms_commands WHERE status = 'done'") == total
    assert fetch_number(url, "SELECT COUNT(*) FROM oms_commands WHERE attempts <> 1") == 0
    assert fetch_number(url, "SELECT COUNT(*) FROM oms_orders") == total
    assert fetch_number(url, "SELECT COUNT(*) FROM oms_deals") == total
    heads = await first.history.heads(ids)
    assert sum(heads.values()) == total
    for account_id in ids:
        events = await first.history.events({account_id: 0}, 1000)
        assert [stored.row.seq for stored in events] == list(range(1, heads[account_id] + 1))


async def test_changes_of_a_policy_at_once_each_record_what_they_replaced(
    another: Opener, place: object
) -> None:
    """No limit is stored before the first of them."""
    stores = [await another() for _ in range(2)]

    for strategy_id in range(1, POLICIES + 1):
        await asyncio.gather(
            *(_set_limit(store, strategy_id, n) for n, store in enumerate(stores, start=1))
        )

    url: str = place.url  # type: ignore[attr-defined]
    text = "SELECT payload_json FROM event_outbox WHERE account_id = 0 ORDER BY seq"
    events = [json.loads(row[0]) for row in fetch_rows(url, text)]
    text = "SELECT entity_id, before_json, after_json FROM audit_log WHERE action = 'risk_policy'"
    audits = [
        (int(scope), json.loads(old), json.loads(new)) for scope, old, new in fetch_rows(url, text)
    ]
    for strategy_id in range(1, POLICIES + 1):
        first, second = (
            event["changes"][KEY] for event in events if event["scope_id"] == strategy_id
        )
        assert first["old"] is None
        assert second["old"] == first["new"] != second["new"]
        recorded = [(old, new) for scope, old, new in audits if scope == strategy_id]
        assert ({}, {KEY: first["new"]}) in recorded
        assert ({KEY: first["new"]}, {KEY: second["new"]}) in recorded


async def _set_limit(store: SqlStore, strategy_id: int, setting: int) -> None:
    limit = Limit(
        key=KEY,
        setting=Decimal(setting),
        scope=PolicyScope.STRATEGY,
        scope_id=strategy_id,
        set_by="ann",
        set_by_user_id=7,
        set_at=NOON,
        comment="",
    )
    change = LimitChange(scope=limit.scope, scope_id=strategy_id, key=KEY, limit=limit)
    context = AuditContext(actor="ann", at=NOON, user_id=7)
    await store.risk_policies.change(limit.scope, strategy_id, [change], context)


async def _write_fills(store: SqlStore, lease: Lease, writer: int) -> None:
    for seq in range(1, FILLS + 1):
        command_id = writer * 1000 + seq
        await enqueue(store, [a_command(command_id, lease.account_id)])
        assert not await store.ledger.commit([a_fill(lease, command_id, seq)])


async def _run_worker(store: SqlStore, owner: str, ids: list[int]) -> None:
    """A worker that leases what is free and executes single commands until the queue is empty."""
    while await store.queue.depths():
        for lease in await store.leases.acquire(owner, ids, 0.02):
            head = (await store.history.heads([lease.account_id]))[lease.account_id]
            for row in await store.queue.take([lease.account_id], 5):
                if await store.ledger.commit([a_fill(lease, row.id, head + 1)]):
                    break
                head += 1
        await asyncio.sleep(0)
