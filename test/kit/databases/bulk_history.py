"""Inserts a long history of finished commands, orders, deals, positions and events in bulk.

No row is queued or open. Accounts ``first..first + accounts - 1`` have equal shares of the rows;
ids ascend with time. The database generates the rows in a few statements.
"""

from kit.databases.mariadb import STATEMENT_SECONDS_MAX
from kit.databases.sql import execute, fetch_rows

FIRST_ACCOUNT = 1000
FIRST_ID = 1_000_000
#: Inserting more rows than take ``STATEMENT_SECONDS_MAX`` at this rate has more time.
ROWS_PER_SECOND_MIN = 5_000
#: Orders have client order id ``C<id>`` and exchange order id ``X<id>``, deals ``T<id>``.
_FILLS: dict[str, tuple[str, str]] = {
    "oms_commands": (
        "id, account_id, command_type, request_id, fingerprint, payload_json, status, created_at,"
        " updated_at",
        "{id}, {account}, 'send_order', {name_r}, '', '{{}}', 'done', {then}, {now}",
    ),
    "oms_orders": (
        "id, account_id, command_id, symbol, side, order_type, status, state, is_open, qty,"
        " client_order_id, exchange_order_id, fees_json, position_id, created_at, updated_at",
        "{id}, {account}, {id}, 'BTC/USDT', 'buy', 'market', 'FILLED', 'FILLED', 0, 1, {name_c},"
        " {name_x}, '{{}}', {id}, {then}, {then}",
    ),
    "oms_deals": (
        "id, account_id, order_id, position_id, symbol, side, qty, price, exchange_trade_id, leg,"
        " entry, origin, executed_at, created_at",
        "{id}, {account}, {id}, {id}, 'BTC/USDT', 'buy', 1, 1, {name_t}, 0, 'in',"
        " 'exchange_reply', {then}, {then}",
    ),
    "oms_positions": (
        "id, account_id, symbol, side, qty, avg_price, cost_exact, exit_exact, state, identifier,"
        " qty_opened, qty_closed, max_qty, profit, realized_pnl, fees, funding, version,"
        " opened_at, created_at, updated_at, closed_at",
        "{id}, {account}, 'BTC/USDT', 'buy', 0, 1, '0/1', '0/1', 'closed', {id}, 1, 1, 1, 0, 0,"
        " '{{}}', 0, 1, {then}, {then}, {then}, {then}",
    ),
    "event_outbox": (
        "id, account_id, seq, seq_to, namespace, event_type, payload_json, created_at",
        "{id}, {account}, {event_seq}, {event_seq}, 'position', 'order_updated', '{{}}', {then}",
    ),
    "idempotency_keys": (
        "scope_hash, fingerprint, status, expires_at, created_at",
        "{name_k}, '', 'commands', '2999-01-01 00:00:00', {then}",
    ),
    "paper_trades": (
        "account_id, trade_id, symbol, executed_at, trade_json",
        "{account}, {name_t}, 'BTC/USDT', {then}, '{{}}'",
    ),
}
TABLES = tuple(_FILLS)
#: What is kept of archived rows.
_FILLS |= {
    "archived_rows": (
        "kind, row_id, account_id, archive_id, name_hash",
        "'deal', {id}, {account}, 1, {name_t}",
    ),
    "archived_positions": (
        "id, account_id, archive_id, symbol, strategy_id, source_id, profit, funding, realized_pnl,"
        " other_fees, closed_at",
        "{id} + 1000000000, {account}, 1, 'BTC/USDT', 0, 0, 0, 0, 0, 0, {then}",
    ),
}
ARCHIVE_TABLES = tuple(name for name in _FILLS if name not in TABLES)


def insert_history(
    dsn: str,
    *,
    count: int,
    accounts: int,
    tables: tuple[str, ...] = TABLES,
    first_account: int = FIRST_ACCOUNT,
    newest_age_days: int = 0,
) -> None:
    """Inserts ``count`` rows into each of ``tables``; the newest is one second older than that."""
    is_sqlite = dsn.startswith("sqlite")
    newest = newest_age_days * 86_400
    placeholders = _placeholders(is_sqlite, count, accounts, first_account, newest)
    source = f"seq_1_to_{count}"
    if is_sqlite:
        source = (
            f"(WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n"
            f" WHERE seq < {count}) SELECT seq FROM n)"
        )
    for table in tables:
        columns, values = _FILLS[table]
        row = values.format(**placeholders)
        # So MariaDB sorts the rows of each index of an empty table before it writes them.
        quickly = () if is_sqlite else ("SET unique_checks = 0, foreign_key_checks = 0",)
        insert = f"INSERT INTO {table} ({columns}) SELECT {row} FROM {source} AS s"
        seconds_max = max(STATEMENT_SECONDS_MAX, count / ROWS_PER_SECOND_MIN)
        execute(dsn, *quickly, insert, seconds_max=seconds_max)
    if not is_sqlite:
        # MariaDB refreshes its statistics within minutes by itself; do it now. SQLite has none.
        fetch_rows(dsn, f"ANALYZE TABLE {', '.join(tables)}")


def _placeholders(
    is_sqlite: bool, count: int, accounts: int, first_account: int, newest: int
) -> dict[str, str]:
    number = f"({FIRST_ID} + seq)"
    event_seq = f"((seq - 1) {'/' if is_sqlite else 'DIV'} {accounts} + 1)"
    now, then = "NOW(6)", "(NOW(6) - INTERVAL {0} SECOND)"
    if is_sqlite:
        now = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"
        then = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-' || {0} || ' seconds')"
    names = {
        f"name_{letter.lower()}": f"'{letter}' || {number}"
        if is_sqlite
        else f"CONCAT('{letter}', {number})"
        for letter in "RCXTK"
    }
    return {
        "id": number,
        "account": f"({first_account} + seq % {accounts})",
        "event_seq": event_seq,
        "now": now,
        "then": then.format(f"({newest + count} + 1 - seq)"),
        **names,
    }
