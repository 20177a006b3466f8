"""Consistency checks of the database after a run, in SQL, without the code under test.

A run that fails a check has rate zero: acknowledged <= commands = done = distinct orders, deals sum
up to positions, event numbers have no gaps, no command overtakes another of its account.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import pymysql

# Exact on SQLite as well, where decimals are text: quantities are multiples of 0.000001.
_SQLITE_UNITS = "CAST(ROUND(qty * 1000000) AS INTEGER)"
_SIGN = "(CASE side WHEN 'buy' THEN 1 ELSE -1 END)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCounts:
    """Numbers of the load's commands in the database."""

    commands: int
    done: int
    unfinished: int


class LedgerChecks(Protocol):
    """Checks of the tables of one system under test."""

    def command_counts(self) -> CommandCounts: ...

    def findings(self) -> list[str]:
        """Returns a text for each violated check. Call it only when no command is in flight."""
        ...


class Database:
    """Queries of one database, each on a new connection."""

    def __init__(self, connect: Callable[[], Any], *, is_sqlite: bool = False) -> None:
        self._connect = connect
        self.is_sqlite = is_sqlite

    def row(self, query: str) -> list[int]:
        """Returns the first row, its columns as integers (NULL as 0)."""
        with closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            return [int(value or 0) for value in cursor.fetchone()]


def sqlite_database(path: str) -> Database:
    return Database(
        lambda: sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10), is_sqlite=True
    )


def mariadb_database(host: str, port: int, name: str) -> Database:
    return Database(
        lambda: pymysql.connect(host=host, port=port, user="root", database=name, autocommit=True)
    )


class GatewayChecks:
    """The ledger tables of oms-gateway."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._qty = _SQLITE_UNITS if database.is_sqlite else "qty"

    def command_counts(self) -> CommandCounts:
        commands, done, unfinished = self._database.row(
            "SELECT COUNT(*), SUM(status = 'done'), SUM(status IN ('queued', 'running'))"
            " FROM oms_commands WHERE command_type = 'send_order'"
        )
        return CommandCounts(commands=commands, done=done, unfinished=unfinished)

    def findings(self) -> list[str]:
        counts = self.command_counts()
        orders, distinct, open_orders = self._database.row(
            "SELECT COUNT(*), COUNT(DISTINCT command_id), SUM(is_open) FROM oms_orders"
        )
        findings = _count_findings(counts, orders, distinct)
        if open_orders:
            findings.append(f"{open_orders} market orders still open")
        for finding, query in self._zero_queries().items():
            (count,) = self._database.row(query)
            if count:
                findings.append(f"{count} {finding}")
        return findings

    def _zero_queries(self) -> dict[str, str]:
        return {
            "positions differ from the sum of their deals": (
                "SELECT COUNT(*) FROM (SELECT id FROM ("
                f"SELECT position_id AS id, {_SIGN} * {self._qty} AS signed FROM oms_deals"
                " WHERE type = 'trade' UNION ALL"
                f" SELECT id, -{_SIGN} * {self._qty} AS signed FROM oms_positions) AS facts"
                " GROUP BY id HAVING SUM(signed) <> 0) AS differing"
            ),
            "gaps or overlaps in event numbers": (
                "SELECT COUNT(*) FROM (SELECT seq, COALESCE(LAG(seq_to) OVER"
                " (PARTITION BY account_id ORDER BY seq), 0) AS last_seq"
                " FROM event_outbox) AS steps"
                " WHERE seq <> last_seq + 1"
            ),
            "streams whose head is not their last event": (
                "SELECT COUNT(*) FROM account_streams AS streams LEFT JOIN"
                " (SELECT account_id, MAX(seq_to) AS last_seq FROM event_outbox"
                " GROUP BY account_id)"
                " AS events ON events.account_id = streams.account_id"
                " WHERE streams.head_seq <> COALESCE(events.last_seq, 0)"
            ),
            "commands overtaken by a later one of their account": _inversions(
                "oms_commands", "oms_orders", "oms_deals", "commands.created_at, commands.id"
            ),
        }


class NaiveChecks:
    """The tables of the naive reference."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def command_counts(self) -> CommandCounts:
        commands, done, unfinished = self._database.row(
            "SELECT COUNT(*), SUM(status = 'done'), SUM(status <> 'done') FROM commands"
        )
        return CommandCounts(commands=commands, done=done, unfinished=unfinished)

    def findings(self) -> list[str]:
        orders, distinct = self._database.row(
            "SELECT COUNT(*), COUNT(DISTINCT command_id) FROM orders"
        )
        findings = _count_findings(self.command_counts(), orders, distinct)
        (differing,) = self._database.row(
            "SELECT COUNT(*) FROM (SELECT account_id, symbol FROM ("
            f"SELECT account_id, symbol, {_SIGN} * qty AS signed FROM deals UNION ALL"
            " SELECT account_id, symbol, -qty AS signed FROM positions) AS facts"
            " GROUP BY account_id, symbol HAVING SUM(signed) <> 0) AS differing"
        )
        if differing:
            findings.append(f"{differing} positions differ from the sum of their deals")
        (overtaken,) = self._database.row(_inversions("commands", "orders", "deals", "commands.id"))
        if overtaken:
            findings.append(f"{overtaken} commands overtaken by a later one of their account")
        return findings


def _count_findings(counts: CommandCounts, orders: int, distinct: int) -> list[str]:
    findings = []
    if counts.unfinished:
        findings.append(f"{counts.unfinished} commands never finished")
    if counts.done != counts.commands:
        findings.append(f"{counts.commands} commands, but {counts.done} done")
    if distinct != counts.done:
        findings.append(f"{counts.done} commands done, but {distinct} have an order")
    if orders != distinct:
        findings.append(f"{orders - distinct} orders are duplicates")
    return findings


def _inversions(commands: str, orders: str, deals: str, queue_order: str) -> str:
    """Returns a query for deals whose ids do not increase along the queue of their account."""
    return (
        "SELECT COUNT(*) FROM (SELECT deals.id AS deal_id, LAG(deals.id) OVER"
        f" (PARTITION BY commands.account_id ORDER BY {queue_order}, deals.id) AS earlier_id"
        f" FROM {orders} AS orders JOIN {commands} AS commands ON commands.id = orders.command_id"
        f" JOIN {deals} AS deals ON deals.order_id = orders.id) AS steps"
        " WHERE deal_id < earlier_id"
    )
