"""Loads the committed state of an account for the worker that leased it."""

from collections.abc import Sequence

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows import (
    commands,
    exchange_state,
    orders,
    positions,
    price_alerts,
    risk_policies,
    risk_state,
)
from oms.adapters.sql.rows.accounts import JOINED, SELECTED, account_from_row
from oms.domain.errors import LeaseLost
from oms.domain.risk.policy import PolicyScope
from oms.domain.value import evolve
from oms.ports.command_queue import CommandRow
from oms.ports.leases import Lease
from oms.ports.ledger_store import LoadedAccount

OPEN_ORDERS_INDEX = "ix_oms_orders_open"
POSITIONS_INDEX = "ix_oms_positions_state"
QUEUE_INDEX = "ix_oms_commands_queue"


async def load_account(session: Session, lease: Lease) -> LoadedAccount:
    """Return the state of the leased account from one snapshot. Raises ``LeaseLost``."""
    dialect, account_id = session.dialect, lease.account_id
    of_account = f"account_id = {dialect.param}"
    values = (account_id,)
    streams = await session.fetch(
        f"SELECT head_seq, lease_token FROM account_streams WHERE {of_account}", values
    )
    if not streams or streams[0][1] != lease.token:
        raise LeaseLost(f"account {account_id} is leased by another worker")
    accounts = await session.fetch(
        f"SELECT {SELECTED} FROM {JOINED} WHERE a.id = {dialect.param}", values
    )
    assert accounts, "an account is created with its lease"
    open_orders = await session.fetch(
        f"SELECT {orders.SELECTED} FROM {dialect.with_index('oms_orders', OPEN_ORDERS_INDEX)}"
        f" WHERE {of_account} AND is_open = 1 ORDER BY id",
        values,
    )
    open_positions = await session.fetch(
        f"SELECT {positions.SELECTED} FROM {dialect.with_index('oms_positions', POSITIONS_INDEX)}"
        f" WHERE {of_account} AND state IN ({positions.OPEN_STATES_SQL}) ORDER BY id",
        values,
    )
    strategies = await session.fetch(
        "SELECT s.id FROM strategy_accounts l JOIN strategies s ON s.id = l.strategy_id"
        f" WHERE l.{of_account} AND l.status = 'active' AND s.status = 'active'",
        values,
    )
    closed = await session.fetch(
        "SELECT strategy_id FROM account_strategy_risk_state"
        f" WHERE {of_account} AND allow_new_positions = 0",
        values,
    )
    policy_text, policy_values = risk_policies.select_scope(
        dialect, PolicyScope.ACCOUNT, account_id
    )
    policy = await session.fetch(policy_text, policy_values)
    account = account_from_row(accounts[0])
    return LoadedAccount(
        account=evolve(account, closed_strategies=frozenset(row[0] for row in closed)),
        head_seq=streams[0][0],
        orders=[orders.order_from_row(row, dialect) for row in open_orders],
        positions=[positions.position_from_row(row, dialect) for row in open_positions],
        strategy_ids=frozenset(row[0] for row in strategies),
        pending_commands=await _load_waiting_commands(
            session, account_id, [row[0] for row in open_orders]
        ),
        exchange_state=await exchange_state.load_exchange_state(session, account_id),
        limits=risk_policies.limits_from_rows(policy, dialect),
        risk=await risk_state.load_risk_state(session, account_id),
        alerts=await price_alerts.load_alerts(session, account_id),
    )


async def _load_waiting_commands(
    session: Session, account_id: int, open_orders: Sequence[int]
) -> Sequence[CommandRow]:
    """Return commands that wait for a response of the exchange."""
    dialect = session.dialect
    table = dialect.with_index("oms_commands", QUEUE_INDEX)
    text = (
        f"SELECT {commands.SELECTED} FROM {table}"
        f" WHERE status = '{{}}' AND account_id = {dialect.param}"
    )
    rows = [*await session.fetch(text.format("running"), (account_id,))]
    if open_orders:
        text += f" AND order_id IN ({dialect.params(len(open_orders))})"
        rows += await session.fetch(text.format("unknown"), (account_id, *open_orders))
    return [commands.command_from_row(row, dialect) for row in rows]
