"""A crowd of accounts and a long past, put under an installed gateway before it starts.

Written by SQL in bulk: ten thousand accounts through the command line would take an hour. The past
is the one of the plan tests (``kit.databases.bulk_history``);
what the gateway itself writes comes after it.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from bench.checks import CommandCounts, Database
from bench.processes import BenchError
from kit.databases import bulk_history
from kit.databases.sql import connect, execute

#: The last id that the past uses; the gateway's own begin behind it.
LAST_ID = 100_000_000
#: The paper exchange reads its trades again when an account is loaded: it needs real ones.
TABLES = tuple(table for table in bulk_history.TABLES if table != "paper_trades")
_OF_ACCOUNT = (
    ("accounts", "id"),
    ("account_streams", "account_id"),
    ("account_leases", "account_id"),
    ("user_account_permissions", "account_id"),
    ("api_key_account_permissions", "account_id"),
)


def copy_accounts(dsn: str, like: int, count: int) -> Sequence[int]:
    """Copies of account ``like`` until there are ``count``; all ids."""
    ids = range(like, like + count)
    with connect(dsn) as connection:
        for table, key in _OF_ACCOUNT:
            _copy(connection, table, key, like, ids[1:])
        connection.commit()
    execute(dsn, f"UPDATE id_blocks SET next_id = {ids[-1] + 1} WHERE name = 'account'")
    return ids


def _copy(connection: Any, table: str, key: str, like: int, ids: Sequence[int]) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE {key} = {like}")
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
        if not rows and table != "user_account_permissions":
            raise BenchError(f"account {like} has no row in {table}")
        mark = "?" if type(connection).__module__.startswith("sqlite") else "%s"
        text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"
        at = names.index(key)
        copies = [(*row[:at], new, *row[at + 1 :]) for row in rows for new in ids]
        if copies:
            cursor.executemany(text, copies)


def fill_history(dsn: str, ids: Sequence[int], count: int) -> None:
    """``count`` closed rows in every table, shared evenly; the streams' heads behind them."""
    if count:
        bulk_history.insert_history(
            dsn, count=count, accounts=len(ids), tables=TABLES, first_account=ids[0]
        )
        head = "SELECT COALESCE(MAX(seq_to), 0) FROM event_outbox e"
        execute(
            dsn,
            f"UPDATE account_streams SET head_seq = ({head} WHERE e.account_id ="
            " account_streams.account_id)",
        )
    execute(dsn, f"UPDATE id_blocks SET next_id = {LAST_ID + 1} WHERE name <> 'account'")


class NewRowChecks:
    """What must be true of the rows behind the past."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tally(self) -> CommandCounts:
        commands, done, unfinished = self._database.row(
            "SELECT COUNT(*), SUM(status = 'done'), SUM(status IN ('queued', 'running'))"
            f" FROM oms_commands WHERE id > {LAST_ID}"
        )
        return CommandCounts(commands=commands, done=done, unfinished=unfinished)

    def findings(self) -> list[str]:
        tally = self.tally()
        orders, distinct, opened = self._database.row(
            "SELECT COUNT(*), COUNT(DISTINCT command_id), SUM(is_open) FROM oms_orders"
            f" WHERE id > {LAST_ID}"
        )
        found = []
        if (tally.commands, 0) != (tally.done, tally.unfinished):
            found.append(f"{tally.commands} commands, {tally.done} done, {tally.unfinished} not")
        if (orders, distinct, opened) != (tally.done, tally.done, 0):
            found.append(f"{tally.done} done, {orders} orders of {distinct}, {opened} open")
        return found
