"""Chooses the rows that are archived: closed, older than a time, and named by nothing open.

Events come first, then positions with their orders and deals, orders without executions, commands,
and raw payloads. Of the events of an account the oldest are taken without a gap.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Table, func, select

from oms.adapters.sql.archive.archive_file import Group, Row
from oms.adapters.sql.archive.closed_positions import (
    Kept,
    closed_sets,
    is_old_order,
    is_old_position,
    load_connected,
)
from oms.adapters.sql.archive.table_reads import (
    ATTEMPTS,
    COMMANDS,
    DEALS,
    EVENTS,
    LINKS,
    ORDERS,
    PAGE_ROWS,
    POSITIONS,
    STREAMS,
    pages,
    read_by,
)
from oms.adapters.sql.ledger.account_loader import OPEN_ORDERS_INDEX
from oms.adapters.sql.tables import METADATA

#: Rows of one transaction, unless one set of positions has more.
GROUP_ROWS = 300
#: An unknown command may still be resolved.
_ENDED = ("done", "failed", "refused")
_RAW = (METADATA.tables["ccxt_orders_raw"], METADATA.tables["ccxt_trades_raw"])


@dataclass(slots=True)
class Selection:
    """Selects rows from one snapshot of the database."""

    connection: Connection
    before: datetime
    #: Rows of a file, about.
    rows_max: int
    _count: int = 0
    #: Orders and positions of this file.
    _orders: set[int] = field(default_factory=set)
    _positions: set[int] = field(default_factory=set)

    def groups(self) -> Iterator[Group]:
        """Yield groups until there are ``rows_max`` rows."""
        query = select(STREAMS.c.account_id).order_by(STREAMS.c.account_id)
        for account_id in self.connection.execute(query).scalars().all():
            for group in self._of_account(account_id):
                yield group
                self._count += len(group)
                if self._count >= self.rows_max:
                    return

    def _of_account(self, account_id: int) -> Iterator[Group]:
        yield from self._events(account_id)
        kept = self._kept(account_id)
        yield from self._closed_positions(account_id, kept)
        yield from self._orders_without_deals(account_id, kept)
        yield from self._commands(account_id)
        for table in _RAW:
            for page in pages(self.connection, table, account_id):
                if rows := [(table, row) for row in page if row["observed_at"] < self.before]:
                    yield rows

    def _events(self, account_id: int) -> Iterator[Group]:
        after = 0
        while True:
            query = select(EVENTS).where(EVENTS.c.account_id == account_id, EVENTS.c.seq_to > after)
            page = query.order_by(EVENTS.c.seq_to).limit(PAGE_ROWS)
            rows = self.connection.execute(page).mappings().all()
            old: list[tuple[Table, Row]] = []
            for row in rows:
                if row["created_at"] >= self.before:
                    break
                old.append((EVENTS, row))
            if old:
                yield old
            if len(old) < PAGE_ROWS:
                return
            after = rows[-1]["seq_to"]

    def _kept(self, account_id: int) -> Kept:
        hint = f"FORCE INDEX ({OPEN_ORDERS_INDEX})"
        query = select(ORDERS).with_hint(ORDERS, hint, "mysql").with_hint(ORDERS, hint, "mariadb")
        query = query.where(ORDERS.c.account_id == account_id, ORDERS.c.is_open == 1)
        kept = Kept()
        for row in self.connection.execute(query).mappings():
            kept.orders |= {row["parent_order_id"], row["replaced_by"]} - {None}
            kept.groups |= {row["group_id"]} - {None}
            kept.positions |= {row["position_id"], row["ticket_id"], row["previous_position_id"]}
        kept.positions -= {0, None}
        return kept

    def _closed_positions(self, account_id: int, kept: Kept) -> Iterator[Group]:
        group: list[tuple[Table, Row]] = []
        for page in pages(self.connection, POSITIONS, account_id):
            seeds = [
                row
                for row in page
                if is_old_position(row, self.before) and row["id"] not in self._positions
            ]
            found = load_connected(self.connection, seeds)
            for part in closed_sets(found, self.before, kept):
                if part.positions.keys() & self._positions or part.orders.keys() & self._orders:
                    continue
                self._positions |= part.positions.keys()
                self._orders |= part.orders.keys()
                group += [(POSITIONS, row) for row in part.positions.values()]
                group += self._with_attempts(list(part.orders.values()))
                group += [(DEALS, row) for row in part.deals.values()]
                if len(group) >= GROUP_ROWS:
                    yield group
                    group = []
        if group:
            yield group

    def _orders_without_deals(self, account_id: int, kept: Kept) -> Iterator[Group]:
        for page in pages(self.connection, ORDERS, account_id):
            old = [
                row
                for row in page
                if not row["filled_qty"]
                and row["id"] not in self._orders
                and is_old_order(row, self.before, kept)
            ]
            dealt = {
                row["order_id"]
                for row in read_by(self.connection, DEALS, "order_id", {row["id"] for row in old})
            }
            orders = [row for row in old if row["id"] not in dealt]
            self._orders |= {row["id"] for row in orders}
            if orders:
                yield self._with_attempts(orders)

    def _with_attempts(self, orders: list[Row]) -> list[tuple[Table, Row]]:
        ids = {row["id"] for row in orders}
        attempts = read_by(self.connection, ATTEMPTS, "order_id", ids)
        return [*((ORDERS, row) for row in orders), *((ATTEMPTS, row) for row in attempts)]

    def _commands(self, account_id: int) -> Iterator[Group]:
        """Yield commands whose result is linked and whose orders are archived."""
        last = self.connection.execute(select(func.max(LINKS.c.command_id))).scalar() or 0
        for page in pages(self.connection, COMMANDS, account_id):
            old = [row for row in page if row["id"] != last and self._is_old_command(row)]
            names = {row["id"]: order_ids(row) for row in old}
            remaining = {
                row["id"]
                for row in read_by(
                    self.connection, ORDERS, "id", {name for ids in names.values() for name in ids}
                )
            } - self._orders
            linked = {
                (row["command_id"], row["status"])
                for row in read_by(self.connection, LINKS, "command_id", set(names))
            }
            rows = [
                (COMMANDS, row)
                for row in old
                if not names[row["id"]] & remaining and (row["id"], row["status"]) in linked
            ]
            if rows:
                yield rows

    def _is_old_command(self, row: Row) -> bool:
        finished_at = row["finished_at"]
        is_old = finished_at is not None and max(finished_at, row["created_at"]) < self.before
        return row["status"] in _ENDED and is_old


def order_ids(command: Row) -> set[int]:
    """Return the orders that the result of a command names."""
    ids = {command["order_id"]} - {None}
    try:
        result = json.loads(command["result_json"] or "{}")
    except ValueError:
        return ids
    if isinstance(result, dict):
        ids |= {each for each in result.get("order_ids") or () if isinstance(each, int)}
    return ids
