"""Reads for replaying a symbol: its newest trade and its rows from an instant on."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows import deals, orders, positions
from oms.domain.ledger.allocation import ExecutionKey, boundary_key, step_key
from oms.domain.ledger.charges import FOLLOW_UP_PREFIXES
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.position import Position
from oms.domain.ledger.position_operations import CLOSE_BY_PREFIX
from oms.domain.orders.order import Order
from oms.ports.ledger_store import SymbolHistoryRows

IDS_PER_QUERY_MAX = 500
"""Maximum number of ids in one statement."""

CLOCK_SKEW_MAX = timedelta(hours=1)
"""Maximum lead of an exchange clock over ours: rows closed since then were updated since then."""

_OPEN_OR_MERGED = f"{positions.OPEN_STATES_SQL}, 'merged'"


async def load_newest_key(session: Session, account_id: int, symbol: str) -> ExecutionKey | None:
    """Return the replay key of the symbol's newest trade, funding or merge, or ``None``."""
    dialect = session.dialect
    param = dialect.param
    of_symbol = f"account_id = {param} AND symbol = {param}"
    table = dialect.with_index("oms_deals", "ix_oms_deals_folding")
    rows = await session.fetch(
        f"SELECT executed_at, exchange_sequence, exchange_trade_id, type, entry FROM {table}"
        f" WHERE {of_symbol} AND type IN ('trade', 'funding')"
        # MAX would read all rows of the symbol; ORDER BY reads the first of the index.
        f" AND executed_at = (SELECT executed_at FROM {table} WHERE {of_symbol}"
        " AND type IN ('trade', 'funding') ORDER BY executed_at DESC LIMIT 1)",
        (account_id, symbol, account_id, symbol),
    )
    keys = [
        step_key(dialect.decode_time(row[0]), row[1], row[2] or "", row[3], row[4]) for row in rows
    ]
    merged = await session.fetch(
        f"SELECT closed_at FROM oms_positions WHERE {of_symbol} AND state = 'merged'"
        " ORDER BY closed_at DESC LIMIT 1",
        (account_id, symbol),
    )
    keys += [boundary_key(dialect.decode_time(row[0])) for row in merged]
    return max(keys, default=None)


async def load_senders(
    session: Session, account_id: int, symbol: str, names: Sequence[str]
) -> dict[str, int]:
    """Return by exchange order id the other account with the same credentials that sent it."""
    param = session.dialect.param
    text = (
        "SELECT o.exchange_order_id, o.account_id FROM account_credentials_encrypted mine"
        " JOIN account_credentials_encrypted theirs ON theirs.fingerprint = mine.fingerprint"
        " AND theirs.account_id <> mine.account_id"
        " JOIN oms_orders o ON o.account_id = theirs.account_id"
        f" WHERE mine.account_id = {param} AND o.symbol = {param} AND o.exchange_order_id IN"
        f" ({session.dialect.params(len(names))}) AND o.command_id IS NOT NULL"
    )
    return {row[0]: row[1] for row in await session.fetch(text, (account_id, symbol, *names))}


async def load_account_of_order(session: Session, account_id: int, order_id: int) -> int | None:
    """Return the account of an order, if it is another one with the same credentials."""
    param = session.dialect.param
    text = (
        "SELECT o.account_id FROM oms_orders o"
        " JOIN account_credentials_encrypted theirs ON theirs.account_id = o.account_id"
        " JOIN account_credentials_encrypted mine ON mine.fingerprint = theirs.fingerprint"
        f" WHERE o.id = {param} AND mine.account_id = {param} AND o.account_id <> {param}"
    )
    rows = await session.fetch(text, (order_id, account_id, account_id))
    return rows[0][0] if rows else None


async def load_orders_by_exchange_id(
    session: Session, account_id: int, symbol: str, names: Sequence[str]
) -> dict[str, Order]:
    """Return orders by any current or former exchange order id."""
    param, params = session.dialect.param, session.dialect.params(len(names))
    text = (
        f"SELECT {orders.SELECTED} FROM oms_orders WHERE account_id = {param}"
        f" AND symbol = {param} AND exchange_order_id IN ({params})"
    )
    rows = await session.fetch(text, (account_id, symbol, *names))
    current = [orders.order_from_row(row, session.dialect) for row in rows]
    by_exchange_id = {order.exchange_order_id or "": order for order in current}
    missing = [name for name in names if name not in by_exchange_id]
    return by_exchange_id | await _load_replaced_orders(session, account_id, symbol, missing)


async def _load_replaced_orders(
    session: Session, account_id: int, symbol: str, names: Sequence[str]
) -> dict[str, Order]:
    """Return orders that were replaced at the exchange, by the id of the replacement."""
    if not names:
        return {}
    param, params = session.dialect.param, session.dialect.params(len(names))
    rows = await session.fetch(
        "SELECT exchange_order_id, order_id FROM oms_order_attempts"
        f" WHERE exchange_order_id IN ({params}) AND account_id = {param}",
        (*names, account_id),
    )
    orders_by_id = {
        order.id: order for order in await _load_orders(session, sorted({row[1] for row in rows}))
    }
    return {row[0]: orders_by_id[row[1]] for row in rows if orders_by_id[row[1]].symbol == symbol}


async def load_rows_since(
    session: Session,
    account_id: int,
    symbol: str,
    moment: datetime,
    position_ids: Sequence[int] = (),
) -> SymbolHistoryRows:
    """Return positions open at ``moment`` or later, their connected positions, deals and orders.

    And those of ``position_ids``. Connected are positions merged into them, positions they were
    closed by, whose average price is needed, and tickets that were joined with them.
    """
    dialect = session.dialect
    param = dialect.param
    of_symbol = f"account_id = {param} AND symbol = {param}"
    by_state = dialect.with_index("oms_positions", "ix_oms_positions_state")
    by_time = dialect.with_index("oms_positions", "ix_oms_positions_updated_at")
    rows = await session.fetch(
        f"SELECT {positions.SELECTED} FROM"
        f" (SELECT id AS kept_id FROM {by_state} WHERE {of_symbol} AND state IN ({_OPEN_OR_MERGED})"
        f" UNION SELECT id FROM {by_time} WHERE {of_symbol} AND updated_at >= {param}"
        f" AND closed_at >= {param}) AS k CROSS JOIN oms_positions WHERE id = kept_id",
        (
            *(account_id, symbol, account_id, symbol),
            *(dialect.encode_time(moment - CLOCK_SKEW_MAX), dialect.encode_time(moment)),
        ),
    )
    candidates = [positions.position_from_row(row, dialect) for row in rows]
    ids = {p.id for p in candidates if p.closed_at is None or p.closed_at >= moment}
    further = sorted(set(position_ids) - {position.id for position in candidates})
    candidates += await _load_positions(session, further)
    ids |= set(position_ids)
    while True:
        connected = _add_connected(candidates, ids)
        booked_deals = await _load_deals(session, [position.id for position in connected])
        more_ids = await _close_by_partners(session, account_id, symbol, booked_deals)
        more_ids |= _joined_tickets(connected, booked_deals)
        if more_ids <= ids:
            break
        candidates += await _load_positions(
            session, sorted(more_ids - {position.id for position in candidates})
        )
        ids |= more_ids
    booked_deals += await _load_without_position(session, account_id, symbol, moment)
    order_ids = sorted({deal.order_id for deal in booked_deals if deal.order_id is not None})
    return SymbolHistoryRows(
        positions=connected, deals=booked_deals, orders=await _load_orders(session, order_ids)
    )


def _add_connected(candidates: Sequence[Position], ids: set[int]) -> list[Position]:
    """Return the positions of ``ids`` and those merged with them; adds their ids to ``ids``."""
    by_id = {position.id: position for position in candidates}
    has_grown = True
    while has_grown:
        has_grown = False
        for position in candidates:
            target = position.merged_into
            if target in ids and position.id not in ids:
                ids.add(position.id)
                has_grown = True
            if position.id in ids and target is not None and target in by_id:
                has_grown = has_grown or target not in ids
                ids.add(target)
    return [by_id[position_id] for position_id in sorted(ids) if position_id in by_id]


def _joined_tickets(positions: Sequence[Position], booked_deals: Sequence[Deal]) -> set[int]:
    """Return the tickets whose deals a replay moved into others; flips name their previous too."""
    flipped = {row.id for row in positions if row.previous_position_id is not None}
    return {
        deal.previous_position_id
        for deal in booked_deals
        if deal.previous_position_id is not None and deal.position_id not in flipped
    }


async def _load_without_position(
    session: Session, account_id: int, symbol: str, moment: datetime
) -> list[Deal]:
    """Return funding and sales of coins that found no position when they were booked.

    With the fees and busts of these sales.
    """
    dialect = session.dialect
    table = dialect.with_index("oms_deals", "ix_oms_deals_folding")
    text = (
        f"SELECT {deals.SELECTED} FROM {table} WHERE account_id = {dialect.param}"
        f" AND symbol = {dialect.param} AND executed_at >= {dialect.param}"
        " AND position_id = 0 AND type IN ('funding', 'trade')"
    )
    rows = await session.fetch(text, (account_id, symbol, dialect.encode_time(moment)))
    loaded = [deals.deal_from_row(row, dialect) for row in rows]
    sales = {deal.exchange_trade_id for deal in loaded if deal.type is DealType.TRADE}
    names = sorted(f"{prefix}{name}" for name in sales for prefix in FOLLOW_UP_PREFIXES)
    for start in range(0, len(names), IDS_PER_QUERY_MAX):
        page = names[start : start + IDS_PER_QUERY_MAX]
        rows = await session.fetch(
            f"SELECT {deals.SELECTED} FROM oms_deals WHERE account_id = {dialect.param}"
            f" AND symbol = {dialect.param} AND position_id = 0"
            f" AND exchange_trade_id IN ({dialect.params(len(page))})",
            (account_id, symbol, *page),
        )
        loaded += [deals.deal_from_row(row, dialect) for row in rows]
    return loaded


async def _close_by_partners(
    session: Session, account_id: int, symbol: str, booked_deals: Sequence[Deal]
) -> set[int]:
    """Return positions with the other leg of a close-by of which only one leg is booked there."""
    legs = Counter(
        d.exchange_trade_id for d in booked_deals if d.exchange_trade_id.startswith(CLOSE_BY_PREFIX)
    )
    incomplete = [name for name, count in legs.items() if count == 1]
    position_ids: set[int] = set()
    param = session.dialect.param
    for start in range(0, len(incomplete), IDS_PER_QUERY_MAX):
        names = incomplete[start : start + IDS_PER_QUERY_MAX]
        rows = await session.fetch(
            f"SELECT position_id FROM oms_deals WHERE account_id = {param} AND symbol = {param}"
            f" AND exchange_trade_id IN ({session.dialect.params(len(names))})",
            (account_id, symbol, *names),
        )
        position_ids.update(row[0] for row in rows)
    return position_ids


async def _load_positions(session: Session, position_ids: Sequence[int]) -> list[Position]:
    loaded: list[Position] = []
    for start in range(0, len(position_ids), IDS_PER_QUERY_MAX):
        ids = position_ids[start : start + IDS_PER_QUERY_MAX]
        rows = await session.fetch(
            f"SELECT {positions.SELECTED} FROM oms_positions"
            f" WHERE id IN ({session.dialect.params(len(ids))})",
            ids,
        )
        loaded += [positions.position_from_row(row, session.dialect) for row in rows]
    return loaded


async def _load_deals(session: Session, position_ids: Sequence[int]) -> list[Deal]:
    loaded: list[Deal] = []
    for start in range(0, len(position_ids), IDS_PER_QUERY_MAX):
        ids = position_ids[start : start + IDS_PER_QUERY_MAX]
        params = session.dialect.params(len(ids))
        text = f"SELECT {deals.SELECTED} FROM oms_deals WHERE position_id IN ({params})"
        rows = await session.fetch(text, ids)
        loaded += [deals.deal_from_row(row, session.dialect) for row in rows]
    return loaded


async def _load_orders(session: Session, order_ids: Sequence[int]) -> list[Order]:
    loaded: list[Order] = []
    for start in range(0, len(order_ids), IDS_PER_QUERY_MAX):
        ids = order_ids[start : start + IDS_PER_QUERY_MAX]
        params = session.dialect.params(len(ids))
        rows = await session.fetch(
            f"SELECT {orders.SELECTED} FROM oms_orders WHERE id IN ({params})", ids
        )
        loaded += [orders.order_from_row(row, session.dialect) for row in rows]
    return loaded
