"""What one commit of the ledger sends: the fence, then the rows, table by table.

The fence is the first statement: it advances the event stream of every account, each only under
its lease's token and from the number its home knew. It numbers the events and proves the right to
write at once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.adapters.sql.rows import (
    access,
    commands,
    deals,
    events,
    exchange_state,
    orders,
    positions,
    reconciliation,
    risk_flags,
)
from oms.ports.ledger_store import AccountBatch

FENCE = "fence"
TOUCH = "touch"


def build_commit(batches: Sequence[AccountBatch], dialect: Dialect) -> StatementBatch:
    """The script that writes ``batches``, accounts ascending."""
    now = datetime.now(UTC)
    script = StatementBatch(dialect)
    _fence(script, batches)
    if dialect.in_cluster:
        _touch(script, [b.lease.account_id for b in batches if b.head_after == b.head_before])
    each = batches
    orders.INSERT.add_to(
        script, [orders.order_to_row(o, dialect) for b in each for o in b.orders_new]
    )
    orders.UPSERT.add_to(
        script, [orders.order_to_row(o, dialect) for b in each for o in b.orders_changed]
    )
    _remove_deals(script, [deal.id for b in each for deal in b.deals_removed])
    deals.UPSERT.add_to(
        script, [deals.deal_to_row(d, dialect) for b in each for d in b.deals_changed]
    )
    deals.INSERT.add_to(script, [deals.deal_to_row(d, dialect) for b in each for d in b.deals])
    _positions(script, batches)
    results = [
        commands.result_to_row(command_id, result, b.lease.token, now, dialect)
        for b in each
        for command_id, result in b.results.items()
    ]
    commands.UPDATE_RESULT.add_to(script, results)
    events.INSERT.add_to(
        script, [events.event_to_row(e, now, dialect) for b in each for e in b.events]
    )
    memories = {b.lease.account_id: b.memory for b in each if b.memory is not None}
    if memories:
        exchange_state.add_to(script, memories)
    swept = [rows for b in each for rows in b.reconciled]
    if swept:
        reconciliation.add_to(script, swept)
    audits = [
        access.audit_to_row(audit_id, entry, 0, now, dialect)
        for b in each
        for audit_id, entry in b.audits
    ]
    if audits:
        access.INSERT_AUDIT.add_to(script, audits)
    for batch in each:
        risk_flags.add_to(script, batch.lease.account_id, batch.switches, now)
    return script


def _positions(script: StatementBatch, batches: Sequence[AccountBatch]) -> None:
    """New ones and changed ones go together: a statement costs as much as ten of its rows."""
    new = [position for batch in batches for position in batch.positions_new]
    changed = [position for batch in batches for position in batch.positions_changed]
    write = positions.UPSERT if changed else positions.INSERT
    write.add_to(script, [positions.position_to_row(p, script.dialect) for p in (*new, *changed)])


def _remove_deals(script: StatementBatch, ids: Sequence[int]) -> None:
    """Inferred deals whose real ones are written by the same transaction."""
    if ids:
        text = f"DELETE FROM oms_deals WHERE id IN ({script.dialect.params(len(ids))})"
        script.add("remove_deals", text, [tuple(ids)])


async def find_lost_accounts(session: Session, batches: Sequence[AccountBatch]) -> frozenset[int]:
    """Accounts of ``batches`` that are not ours any more, after a fence that missed."""
    params = session.dialect.params(len(batches))
    found = await session.fetch(
        "SELECT account_id, lease_token, head_seq FROM account_streams"
        f" WHERE account_id IN ({params})",
        [batch.lease.account_id for batch in batches],
    )
    streams = {row[0]: (row[1], row[2]) for row in found}
    # In our transaction what the fence met stands advanced, unless the server undid it meanwhile.
    return frozenset(
        b.lease.account_id
        for b in batches
        if streams.get(b.lease.account_id)
        not in ((b.lease.token, b.head_after), (b.lease.token, b.head_before))
    )


def _fence(script: StatementBatch, batches: Sequence[AccountBatch]) -> None:
    param, count = script.dialect.param, len(batches)
    ours = f"account_id = {param} AND lease_token = {param} AND head_seq = {param}"
    if not script.is_multi_row:
        rows = [(b.head_after, b.lease.account_id, b.lease.token, b.head_before) for b in batches]
        text = f"UPDATE account_streams SET head_seq = {param} WHERE {ours}"
        script.add(FENCE, text, rows, expected_rows=count)
        return
    cases = f" WHEN {param} THEN {param}" * count
    text = (
        f"UPDATE account_streams SET head_seq = CASE account_id{cases} ELSE head_seq END"
        f" WHERE {' OR '.join([f'({ours})'] * count)}"
    )
    values: list[int] = []
    for batch in batches:
        values += (batch.lease.account_id, batch.head_after)
    for batch in batches:
        values += (batch.lease.account_id, batch.lease.token, batch.head_before)
    script.add(FENCE, text, [tuple(values)], expected_rows=count)


def _touch(script: StatementBatch, account_ids: Sequence[int]) -> None:
    """Write streams that the fence only looked at, so that whoever takes the lease meets us.

    What a lock would do on one server. Forth and back: what is written over with the same is not
    written, and a batch without events moves no head.
    """
    if not account_ids:
        return
    ours = f"account_id IN ({script.dialect.params(len(account_ids))})"
    for way in "+-":
        text = f"UPDATE account_streams SET head_seq = head_seq {way} 1 WHERE {ours}"
        script.add(TOUCH, text, [tuple(account_ids)], expected_rows=len(account_ids))
