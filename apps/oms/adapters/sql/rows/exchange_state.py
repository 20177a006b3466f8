"""Rows of exchange state; only changes are written."""

from collections.abc import Mapping, Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import StatementBatch, Values
from oms.adapters.sql.rows import attempts
from oms.domain.performance.balances import Balances
from oms.ports.exchange import ExchangeStateRows, TradeRow
from oms.wire.instrument_codec import decode_instrument, encode_instrument

#: Number of newest trades loaded; older ones are only history.
TRADES_LOADED_MAX = 1000

_STATE = BulkInsert(
    table="paper_state",
    columns=("account_id", "version", "state_json", "hash"),
    key=("account_id",),
    update_columns=("version", "state_json", "hash"),
)
_ORDERS = BulkInsert(
    table="paper_orders",
    columns=("account_id", "exchange_order_id", "order_json"),
    key=("account_id", "exchange_order_id"),
    update_columns=("order_json",),
)
_TRADES = BulkInsert(
    table="paper_trades",
    columns=("account_id", "trade_id", "symbol", "executed_at", "trade_json"),
)
_INSTRUMENTS = BulkInsert(
    table="account_instruments",
    columns=("account_id", "symbol", "terms_json"),
    key=("account_id", "symbol"),
    update_columns=("terms_json",),
)
_BALANCES = BulkInsert(
    table="balances",
    columns=("account_id", "currency", "free", "used", "total", "as_of"),
    key=("account_id", "currency"),
    update_columns=("free", "used", "total", "as_of"),
)
_DELETE_ORDER = "DELETE FROM paper_orders WHERE account_id = {0} AND exchange_order_id = {0}"
_PRICES = BulkInsert(
    table="paper_prices",
    columns=("account_id", "symbol", "price_json"),
    key=("account_id", "symbol"),
    update_columns=("price_json",),
)


def add_to(batch: StatementBatch, states_by_account: Mapping[int, ExchangeStateRows]) -> None:
    """Add what writes the changes, by account id, to the batch."""
    dialect = batch.dialect
    states = [
        (account_id, state_rows.version, state_rows.state, state_rows.state_hash)
        for account_id, state_rows in states_by_account.items()
        if state_rows.state is not None
    ]
    orders = [
        (account_id, order_id, order)
        for account_id, state_rows in states_by_account.items()
        for order_id, order in state_rows.orders.items()
    ]
    trades = [
        (account_id, t.trade_id, t.symbol, dialect.encode_time(t.executed_at), t.trade)
        for account_id, state_rows in states_by_account.items()
        for t in state_rows.trades
    ]
    prices = [
        (account_id, symbol, price)
        for account_id, state_rows in states_by_account.items()
        for symbol, price in state_rows.prices.items()
    ]
    requests = [
        attempts.attempt_to_row(account_id, row, dialect)
        for account_id, state_rows in states_by_account.items()
        for row in state_rows.attempts
    ]
    instruments = [
        (account_id, symbol, encode_instrument(instrument))
        for account_id, state_rows in states_by_account.items()
        for symbol, instrument in state_rows.instruments.items()
    ]
    _STATE.add_to(batch, states)
    _ORDERS.add_to(batch, [row for row in orders if row[2] is not None])
    deleted = [row[:2] for row in orders if row[2] is None]
    if deleted:
        batch.add("paper_orders", _DELETE_ORDER.format(dialect.param), deleted)
    _TRADES.add_to(batch, trades)
    _PRICES.add_to(batch, prices)
    attempts.UPSERT.add_to(batch, requests)
    if instruments:
        _INSTRUMENTS.add_to(batch, instruments)
    balances = [
        row
        for account_id, state_rows in states_by_account.items()
        if state_rows.balances is not None
        for row in _balance_rows(account_id, state_rows.balances, dialect)
    ]
    if balances:
        _BALANCES.add_to(batch, balances)


def _balance_rows(account_id: int, balances: Balances, dialect: Dialect) -> Sequence[Values]:
    """Return the rows of a wallet; all have its time, so that those it no longer has are older."""
    assert balances.as_of is not None, "balances of an exchange have a time"
    at, encode = dialect.encode_time(balances.as_of), dialect.encode_optional_decimal
    return [
        (
            account_id,
            currency,
            encode(each.free),
            encode(each.used),
            encode(each.total),
            at,
        )
        for currency, each in sorted(balances.amounts.items())
    ]


async def load_exchange_state(session: Session, account_id: int) -> ExchangeStateRows:
    """Return the stored state of the account's exchange; trades ascending."""

    async def rows(columns: str, table: str, tail: str = "") -> Sequence[Any]:
        where = f"WHERE account_id = {session.dialect.param}"
        return await session.fetch(f"SELECT {columns} FROM {table} {where}{tail}", (account_id,))

    states = await rows("version, state_json, hash", "paper_state")
    version, state, state_hash = states[0] if states else (0, None, "")
    newest = f" ORDER BY executed_at DESC, trade_id DESC LIMIT {TRADES_LOADED_MAX}"
    trades = await rows("trade_id, symbol, executed_at, trade_json", "paper_trades", newest)
    orders = await rows("exchange_order_id, order_json", "paper_orders")
    prices = await rows("symbol, price_json", "paper_prices")
    instruments = await rows("symbol, terms_json", "account_instruments")
    return ExchangeStateRows(
        state=state,
        state_hash=state_hash,
        version=version,
        orders={row[0]: row[1] for row in orders},
        trades=tuple(
            TradeRow(
                trade_id=row[0],
                symbol=row[1],
                executed_at=session.dialect.decode_time(row[2]),
                trade=row[3],
            )
            for row in reversed(trades)
        ),
        prices={row[0]: row[1] for row in prices},
        attempts=await attempts.load_open_attempts(session, account_id),
        instruments={row[0]: decode_instrument(row[1]) for row in instruments},
    )
