"""Rows of the paper exchange's memory; only what changed is written."""

from collections.abc import Mapping, Sequence
from typing import Any

from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.session import Session
from oms.ports.exchange import MemoryRows, TradeRow

#: Trades that are read back, the newest: what lies further behind is history.
TRADES_LOADED_MAX = 1000

_STATE = Insert(
    table="paper_state",
    columns=("account_id", "version", "state_json", "hash"),
    key=("account_id",),
    changes=("version", "state_json", "hash"),
)
_ORDERS = Insert(
    table="paper_orders",
    columns=("account_id", "exchange_order_id", "order_json"),
    key=("account_id", "exchange_order_id"),
    changes=("order_json",),
)
_TRADES = Insert(
    table="paper_trades",
    columns=("account_id", "trade_id", "symbol", "executed_at", "trade_json"),
)
_PRICES = Insert(
    table="paper_prices",
    columns=("account_id", "symbol", "price_json"),
    key=("account_id", "symbol"),
    changes=("price_json",),
)


async def save(session: Session, memories: Mapping[int, MemoryRows]) -> None:
    """Write what changed, by account id."""
    states = [
        (account_id, memory.version, memory.state, memory.state_hash)
        for account_id, memory in memories.items()
        if memory.state is not None
    ]
    orders = [
        (account_id, order_id, order)
        for account_id, memory in memories.items()
        for order_id, order in memory.orders.items()
    ]
    trades = [
        (account_id, t.trade_id, t.symbol, session.dialect.time_in(t.executed_at), t.trade)
        for account_id, memory in memories.items()
        for t in memory.trades
    ]
    prices = [
        (account_id, symbol, price)
        for account_id, memory in memories.items()
        for symbol, price in memory.prices.items()
    ]
    await _STATE(session, states)
    await _ORDERS(session, [row for row in orders if row[2] is not None])
    await _forget(session, [row[:2] for row in orders if row[2] is None])
    await _TRADES(session, trades)
    await _PRICES(session, prices)


async def recall(session: Session, account_id: int) -> MemoryRows:
    """All that the paper exchange of the account must know again; trades ascending."""

    async def rows(columns: str, table: str, tail: str = "") -> Sequence[Any]:
        where = f"WHERE account_id = {session.dialect.mark}"
        return await session.fetch(f"SELECT {columns} FROM {table} {where}{tail}", (account_id,))

    states = await rows("version, state_json, hash", "paper_state")
    version, state, state_hash = states[0] if states else (0, None, "")
    newest = f" ORDER BY executed_at DESC, trade_id DESC LIMIT {TRADES_LOADED_MAX}"
    trades = await rows("trade_id, symbol, executed_at, trade_json", "paper_trades", newest)
    orders = await rows("exchange_order_id, order_json", "paper_orders")
    prices = await rows("symbol, price_json", "paper_prices")
    return MemoryRows(
        state=state,
        state_hash=state_hash,
        version=version,
        orders={row[0]: row[1] for row in orders},
        trades=tuple(
            TradeRow(
                trade_id=row[0],
                symbol=row[1],
                executed_at=session.dialect.time_out(row[2]),
                trade=row[3],
            )
            for row in reversed(trades)
        ),
        prices={row[0]: row[1] for row in prices},
    )


async def _forget(session: Session, orders: Sequence[tuple[Any, ...]]) -> None:
    by_account: dict[int, list[str]] = {}
    for account_id, order_id in orders:
        by_account.setdefault(account_id, []).append(order_id)
    for account_id, order_ids in by_account.items():
        await session.execute(
            f"DELETE FROM paper_orders WHERE account_id = {session.dialect.mark}"
            f" AND exchange_order_id IN ({session.dialect.marks(len(order_ids))})",
            (account_id, *order_ids),
        )
