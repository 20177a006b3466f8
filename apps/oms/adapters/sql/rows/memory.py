"""Rows of what an exchange remembers; only what changed is written."""

from collections.abc import Mapping, Sequence
from typing import Any

from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.rows import attempts
from oms.adapters.sql.script import Script
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
_FORGET = "DELETE FROM paper_orders WHERE account_id = {0} AND exchange_order_id = {0}"
_PRICES = Insert(
    table="paper_prices",
    columns=("account_id", "symbol", "price_json"),
    key=("account_id", "symbol"),
    changes=("price_json",),
)


def into(script: Script, memories: Mapping[int, MemoryRows]) -> None:
    """Add what writes the changes, by account id, to the script."""
    dialect = script.dialect
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
        (account_id, t.trade_id, t.symbol, dialect.time_in(t.executed_at), t.trade)
        for account_id, memory in memories.items()
        for t in memory.trades
    ]
    prices = [
        (account_id, symbol, price)
        for account_id, memory in memories.items()
        for symbol, price in memory.prices.items()
    ]
    requests = [
        attempts.values(account_id, row, dialect)
        for account_id, memory in memories.items()
        for row in memory.attempts
    ]
    _STATE.into(script, states)
    _ORDERS.into(script, [row for row in orders if row[2] is not None])
    forgotten = [row[:2] for row in orders if row[2] is None]
    if forgotten:
        script.add("paper_orders", _FORGET.format(dialect.mark), forgotten)
    _TRADES.into(script, trades)
    _PRICES.into(script, prices)
    attempts.UPSERT.into(script, requests)


async def recall(session: Session, account_id: int) -> MemoryRows:
    """All that the account's exchange must know again; trades ascending."""

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
        attempts=await attempts.of_open_orders(session, account_id),
    )
