"""Reads for replaying a symbol: its newest trade and its rows from an instant on."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows import deals, orders, positions
from oms.domain.ledger.allocation import ExecutionKey, execution_key
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.ledger.position_operations import CLOSE_BY_PREFIX
from oms.domain.orders.order import Order
from oms.ports.ledger_store import SymbolHistoryRows

IDS_PER_QUERY_MAX = 500
"""Maximum number of ids in one statement."""

CLOCK_SKEW_MAX = timedelta(hours=1)
"""Maximum lead of an exchange clock over ours: rows closed since then were updated since then."""

_OPEN_OR_MERGED = ", ".join(f"'{state}'" for state in (*positions.OPEN_STATES, "merged"))


async def load_newest_key(session: Session, account_id: int, symbol: str) -> ExecutionKey | None:
    """Return the replay key of the symbol's newest trade or merge; ``None`` before the first."""
    dialect = session.dialect
    param = dialect.param
    mine = f"account_id = {param} AND symbol = {param}"
    table = dialect.with_index("oms_deals", "ix_oms_deals_folding")
    rows = await session.fetch(
        f"SELECT executed_at, exchange_sequence, exchange_trade_id FROM {table}"
        f" WHERE {mine} AND type = 'trade'"
        # MAX would read all rows of the symbol; ORDER BY reads the first of the index.
        f" AND executed_at = (SELECT executed_at FROM {table} WHERE {mine}"
        " AND type = 'trade' ORDER BY executed_at DESC LIMIT 1)",
        (account_id, symbol, account_id, symbol),
    )
    keys = [execution_key(dialect.decode_time(row[0]), row[1], row[2] or "") for row in rows]
    ended = await session.fetch(
        f"SELECT closed_at FROM oms_positions WHERE {mine} AND state = 'merged'"
        " ORDER BY closed_at DESC LIMIT 1",
        (account_id, symbol),
    )
    keys += [execution_key(dialect.decode_time(row[0]), 0, "") for row in ended]
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
    found = [orders.order_from_row(row, session.dialect) for row in rows]
    named = {order.exchange_order_id or "": order for order in found}
    others = [name for name in names if name not in named]
    return named | await _replaced(session, account_id, symbol, others)


async def _replaced(
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
    known = {order.id: order for order in await _orders(session, sorted({row[1] for row in rows}))}
    return {row[0]: known[row[1]] for row in rows if known[row[1]].symbol == symbol}


async def load_rows_since(
    session: Session, account_id: int, symbol: str, moment: datetime
) -> SymbolHistoryRows:
    """Return positions open at ``moment`` or later, their connected positions, deals and orders.

    Connected are positions merged into them and positions they were closed by, whose average price
    is needed.
    """
    dialect = session.dialect
    param = dialect.param
    mine = f"account_id = {param} AND symbol = {param}"
    by_state = dialect.with_index("oms_positions", "ix_oms_positions_state")
    by_time = dialect.with_index("oms_positions", "ix_oms_positions_updated_at")
    rows = await session.fetch(
        f"SELECT {positions.SELECTED} FROM"
        f" (SELECT id AS kept_id FROM {by_state} WHERE {mine} AND state IN ({_OPEN_OR_MERGED})"
        f" UNION SELECT id FROM {by_time} WHERE {mine} AND updated_at >= {param}"
        f" AND closed_at >= {param}) AS k CROSS JOIN oms_positions WHERE id = kept_id",
        (
            *(account_id, symbol, account_id, symbol),
            *(dialect.encode_time(moment - CLOCK_SKEW_MAX), dialect.encode_time(moment)),
        ),
    )
    known = [positions.position_from_row(row, dialect) for row in rows]
    kept = {p.id for p in known if p.closed_at is None or p.closed_at >= moment}
    while True:
        held = _connected(known, kept)
        booked = await _deals(session, [position.id for position in held])
        more = await _closed_by(session, account_id, symbol, booked)
        if more <= kept:
            break
        known += await _positions(session, sorted(more - {position.id for position in known}))
        kept |= more
    named = sorted({deal.order_id for deal in booked if deal.order_id is not None})
    return SymbolHistoryRows(positions=held, deals=booked, orders=await _orders(session, named))


def _connected(known: Sequence[Position], kept: set[int]) -> list[Position]:
    """Return the positions in ``kept`` and those merged with them; adds their ids to ``kept``."""
    by_id = {position.id: position for position in known}
    grown = True
    while grown:
        grown = False
        for position in known:
            target = position.merged_into
            if target in kept and position.id not in kept:
                kept.add(position.id)
                grown = True
            if position.id in kept and target is not None and target in by_id:
                grown = grown or target not in kept
                kept.add(target)
    return [by_id[position_id] for position_id in sorted(kept)]


async def _closed_by(
    session: Session, account_id: int, symbol: str, booked: Sequence[Deal]
) -> set[int]:
    """Return positions with the other leg of a close-by of which ``booked`` has only one leg."""
    legs = Counter(
        d.exchange_trade_id for d in booked if d.exchange_trade_id.startswith(CLOSE_BY_PREFIX)
    )
    alone = [name for name, count in legs.items() if count == 1]
    found: set[int] = set()
    param = session.dialect.param
    for start in range(0, len(alone), IDS_PER_QUERY_MAX):
        some = alone[start : start + IDS_PER_QUERY_MAX]
        rows = await session.fetch(
            f"SELECT position_id FROM oms_deals WHERE account_id = {param} AND symbol = {param}"
            f" AND exchange_trade_id IN ({session.dialect.params(len(some))})",
            (account_id, symbol, *some),
        )
        found.update(row[0] for row in rows)
    return found


async def _positions(session: Session, position_ids: Sequence[int]) -> list[Position]:
    found: list[Position] = []
    for start in range(0, len(position_ids), IDS_PER_QUERY_MAX):
        some = position_ids[start : start + IDS_PER_QUERY_MAX]
        rows = await session.fetch(
            f"SELECT {positions.SELECTED} FROM oms_positions"
            f" WHERE id IN ({session.dialect.params(len(some))})",
            some,
        )
        found += [positions.position_from_row(row, session.dialect) for row in rows]
    return found


async def _deals(session: Session, position_ids: Sequence[int]) -> list[Deal]:
    found: list[Deal] = []
    for start in range(0, len(position_ids), IDS_PER_QUERY_MAX):
        some = position_ids[start : start + IDS_PER_QUERY_MAX]
        params = session.dialect.params(len(some))
        text = f"SELECT {deals.SELECTED} FROM oms_deals WHERE position_id IN ({params})"
        rows = await session.fetch(text, some)
        found += [deals.deal_from_row(row, session.dialect) for row in rows]
    return found


async def _orders(session: Session, order_ids: Sequence[int]) -> list[Order]:
    found: list[Order] = []
    for start in range(0, len(order_ids), IDS_PER_QUERY_MAX):
        some = order_ids[start : start + IDS_PER_QUERY_MAX]
        params = session.dialect.params(len(some))
        rows = await session.fetch(
            f"SELECT {orders.SELECTED} FROM oms_orders WHERE id IN ({params})", some
        )
        found += [orders.order_from_row(row, session.dialect) for row in rows]
    return found
