"""Statements of one ledger commit: the fence, then the rows, table by table.

The fence advances the event stream of every account under its lease token and from the expected
event number. It numbers the events and proves the right to write in one statement.
"""

from collections.abc import Sequence
from datetime import datetime

from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch
from oms.adapters.sql.rows import (
    access,
    commands,
    deals,
    events,
    exchange_state,
    kill_switches,
    orders,
    positions,
    price_alerts,
    reconciliation,
    risk_flags,
    risk_policies,
    risk_state,
    signal_outcomes,
)
from oms.ports.ledger_store import AccountBatch

FENCE = "fence"
TOUCH = "touch"


def build_commit(each: Sequence[AccountBatch], dialect: Dialect, now: datetime) -> StatementBatch:
    """Return the statements that write batches, which are ascending by account."""
    statements = StatementBatch(dialect)
    _add_fence(statements, each)
    if dialect.in_cluster:
        _add_touch(statements, [b.lease.account_id for b in each if b.head_after == b.head_before])
    orders.INSERT.add_to(
        statements, [orders.order_to_row(o, dialect) for b in each for o in b.orders_new]
    )
    orders.UPSERT.add_to(
        statements, [orders.order_to_row(o, dialect) for b in each for o in b.orders_changed]
    )
    _delete_deals(statements, [deal.id for b in each for deal in b.deals_removed])
    deals.UPSERT.add_to(
        statements, [deals.deal_to_row(d, dialect) for b in each for d in b.deals_changed]
    )
    deals.INSERT.add_to(statements, [deals.deal_to_row(d, dialect) for b in each for d in b.deals])
    _add_positions(statements, each)
    results = [
        commands.result_to_row(command_id, result, b.lease.token, now, dialect)
        for b in each
        for command_id, result in b.results.items()
    ]
    commands.UPDATE_RESULT.add_to(statements, results)
    follow_ups = [commands.command_to_row(c, dialect) for b in each for c in b.follow_ups]
    if follow_ups:
        commands.INSERT_FOLLOW_UP.add_to(statements, follow_ups)
    events.INSERT.add_to(
        statements, [events.event_to_row(e, now, dialect) for b in each for e in b.events]
    )
    exchange_states = {
        b.lease.account_id: b.exchange_state for b in each if b.exchange_state is not None
    }
    if exchange_states:
        exchange_state.add_to(statements, exchange_states)
    reconciled = [rows for b in each for rows in b.reconciled]
    if reconciled:
        reconciliation.add_to(statements, reconciled)
    audits = [
        access.audit_to_row(audit_id, entry, 0, now, dialect)
        for b in each
        for audit_id, entry in b.audits
    ]
    if audits:
        access.INSERT_AUDIT.add_to(statements, audits)
    kills = [kill_switches.activation_to_row(k, dialect) for b in each for k in b.kills]
    if kills:
        kill_switches.INSERT.add_to(statements, kills)
    for batch in each:
        if batch.signals:
            signal_outcomes.add_to(statements, batch.lease.account_id, batch.signals, now)
        risk_flags.add_to(statements, batch.lease.account_id, batch.switches, now)
        risk_policies.add_to(statements, batch.limits)
        if batch.alerts:
            price_alerts.add_to(statements, batch.lease.account_id, batch.alerts)
        if batch.risk is not None:
            risk_state.add_to(statements, batch.lease.account_id, batch.risk)
    return statements


def _add_positions(statements: StatementBatch, batches: Sequence[AccountBatch]) -> None:
    """Write new and changed positions together: a statement costs as much as ten of its rows."""
    new = [position for batch in batches for position in batch.positions_new]
    changed = [position for batch in batches for position in batch.positions_changed]
    write = positions.UPSERT if changed else positions.INSERT
    write.add_to(
        statements, [positions.position_to_row(p, statements.dialect) for p in (*new, *changed)]
    )


def _delete_deals(statements: StatementBatch, ids: Sequence[int]) -> None:
    """Delete inferred deals that the same transaction replaces by executed ones."""
    if ids:
        text = f"DELETE FROM oms_deals WHERE id IN ({statements.dialect.params(len(ids))})"
        statements.add("remove_deals", text, [tuple(ids)])


async def find_lost_accounts(session: Session, batches: Sequence[AccountBatch]) -> frozenset[int]:
    """Return the accounts whose lease is lost, after the fence matched too few streams."""
    params = session.dialect.params(len(batches))
    rows = await session.fetch(
        "SELECT account_id, lease_token, head_seq FROM account_streams"
        f" WHERE account_id IN ({params})",
        [batch.lease.account_id for batch in batches],
    )
    streams = {row[0]: (row[1], row[2]) for row in rows}
    # Streams matched by the fence are advanced in this transaction unless it was rolled back.
    return frozenset(
        b.lease.account_id
        for b in batches
        if streams.get(b.lease.account_id)
        not in ((b.lease.token, b.head_after), (b.lease.token, b.head_before))
    )


def _add_fence(statements: StatementBatch, batches: Sequence[AccountBatch]) -> None:
    param, count = statements.dialect.param, len(batches)
    is_owned = f"account_id = {param} AND lease_token = {param} AND head_seq = {param}"
    if not statements.is_multi_row:
        rows = [(b.head_after, b.lease.account_id, b.lease.token, b.head_before) for b in batches]
        text = f"UPDATE account_streams SET head_seq = {param} WHERE {is_owned}"
        statements.add(FENCE, text, rows, expected_rows=count)
        return
    cases = f" WHEN {param} THEN {param}" * count
    text = (
        f"UPDATE account_streams SET head_seq = CASE account_id{cases} ELSE head_seq END"
        f" WHERE {' OR '.join([f'({is_owned})'] * count)}"
    )
    values: list[int] = []
    for batch in batches:
        values += (batch.lease.account_id, batch.head_after)
    for batch in batches:
        values += (batch.lease.account_id, batch.lease.token, batch.head_before)
    statements.add(FENCE, text, [tuple(values)], expected_rows=count)


def _add_touch(statements: StatementBatch, account_ids: Sequence[int]) -> None:
    """Write streams that the fence did not change, so that a lease takeover conflicts with us.

    On one server a lock has this effect. The number goes up and down again because an update with
    the same value writes nothing, and a batch without events must not advance it.
    """
    if not account_ids:
        return
    is_owned = f"account_id IN ({statements.dialect.params(len(account_ids))})"
    for sign in "+-":
        text = f"UPDATE account_streams SET head_seq = head_seq {sign} 1 WHERE {is_owned}"
        statements.add(TOUCH, text, [tuple(account_ids)], expected_rows=len(account_ids))
