"""Reads of whole rows: by pages of an account, and by the values of an indexed column."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from oms.adapters.sql.archive.archive_file import Row
from oms.adapters.sql.tables import METADATA

PAGE_ROWS = 200
IDS_PER_QUERY_MAX = 500

COMMANDS, ORDERS, DEALS, POSITIONS, ATTEMPTS, EVENTS, LINKS, STREAMS = (
    METADATA.tables[name]
    for name in (
        *("oms_commands", "oms_orders", "oms_deals", "oms_positions", "oms_order_attempts"),
        *("event_outbox", "command_chain", "account_streams"),
    )
)


def read_by(
    connection: Connection,
    table: Table,
    column: str,
    values: Collection[Any],
    *,
    lock: bool = False,
) -> list[Row]:
    """Return the rows whose column has one of the values; ``lock``: for the transaction."""
    found: list[Row] = []
    names = sorted(values)
    for start in range(0, len(names), IDS_PER_QUERY_MAX):
        part = names[start : start + IDS_PER_QUERY_MAX]
        query = select(table).where(table.c[column].in_(part))
        found += connection.execute(query.with_for_update() if lock else query).mappings().all()
    return found


def pages(connection: Connection, table: Table, account_id: int) -> Iterator[Sequence[Row]]:
    """Yield the rows of an account in pages, ascending by id.

    Nothing but the id is asked for: with further conditions a server may read the whole account
    for each page.
    """
    after = 0
    hint = f"FORCE INDEX (ix_{table.name}_page)"
    query = select(table).with_hint(table, hint, "mysql").with_hint(table, hint, "mariadb")
    query = query.where(table.c.account_id == account_id)
    while True:
        page = query.where(table.c.id > after).order_by(table.c.id).limit(PAGE_ROWS)
        rows = connection.execute(page).mappings().all()
        if rows:
            yield rows
        if len(rows) < PAGE_ROWS:
            return
        after = rows[-1]["id"]
