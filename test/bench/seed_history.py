"""Many accounts and a long history, inserted into an installed gateway before it starts.

Inserted by SQL in bulk, because the command line would take an hour for ten thousand accounts. The
history is that of the query plan tests (``kit.databases.bulk_history``); new rows follow it.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from bench.checks import CommandCounts, Database
from bench.processes import BenchError
from kit.databases import bulk_history
from kit.databases.sql import connect, execute

#: The last id of the history; the gateway's own ids follow.
LAST_ID = 100_000_000
#: The paper exchange loads its trades with an account, so they must be consistent.
TABLES = tuple(table for table in bulk_history.TABLES if table != "paper_trades")
_OF_ACCOUNT = (
    ("accounts", "id"),
    ("account_streams", "account_id"),
    ("account_leases", "account_id"),
    ("user_account_permissions", "account_id"),
    ("api_key_account_permissions", "account_id"),
)


def copy_accounts(dsn: str, like: int, count: int) -> Sequence[int]:
    """Copies the account ``like`` until there are ``count`` accounts; returns all ids."""
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
    """Inserts ``count`` closed rows in every table, evenly over the accounts."""
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
    """Checks of the rows after the history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def command_counts(self) -> CommandCounts:
        commands, done, unfinished = self._database.row(
            "SELECT COUNT(*), SUM(status = 'done'), SUM(status IN ('queued', 'running'))"
            f" FROM oms_commands WHERE id > {LAST_ID}"
        )
        return CommandCounts(commands=commands, done=done, unfinished=unfinished)

    def findings(self) -> list[str]:
        counts = self.command_counts()
        orders, distinct, opened = self._database.row(
            "SELECT COUNT(*), COUNT(DISTINCT command_id), SUM(is_open) FROM oms_orders"
            f" WHERE id > {LAST_ID}"
        )
        findings = []
        if (counts.commands, 0) != (counts.done, counts.unfinished):
            findings.append(
                f"{counts.commands} commands, {counts.done} done, {counts.unfinished} not"
            )
        if (orders, distinct, opened) != (counts.done, counts.done, 0):
            findings.append(f"{counts.done} done, {orders} orders of {distinct}, {opened} open")
        return findings
