"""Moves one group of rows between database and file, each in one transaction.

Rows are deleted only while they equal what the checked file contains. A group of which nothing is
left was deleted before an interruption; one that changed since it was written stays.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum

from sqlalchemy import Connection, Table, delete, insert, select

from oms.adapters.sql.archive.archive_file import Group, Row, row_text
from oms.adapters.sql.archive.archived_index import (
    KINDS,
    count_indexed,
    remove_index,
    write_index,
)
from oms.adapters.sql.archive.table_reads import EVENTS, IDS_PER_QUERY_MAX, STREAMS, read_by


class Moved(StrEnum):
    """What became of a group."""

    MOVED = "moved"
    #: Nothing was left to do.
    DONE = "done"
    #: Its rows are not as the file has them.
    KEPT = "kept"


def delete_group(connection: Connection, archive_id: int, group: Group) -> Moved:
    """Delete the rows of a group and store what stays of them."""
    stored = [
        (table, row)
        for table, rows in _by_table(group).items()
        for row in read_by(
            connection, table, _key(table), {r[_key(table)] for r in rows}, lock=True
        )
    ]
    if not stored:
        return Moved.DONE
    found, written = _texts(stored, group), _texts(group, group)
    # Retention may have deleted some of the events since.
    is_as_written = set(found) <= set(written) if _is_unnamed(group) else found == written
    if not is_as_written:
        return Moved.KEPT
    write_index(connection, archive_id, group)
    for table, rows in reversed([*_by_table(group).items()]):
        ids = sorted({row[_key(table)] for row in rows})
        for start in range(0, len(ids), IDS_PER_QUERY_MAX):
            part = ids[start : start + IDS_PER_QUERY_MAX]
            connection.execute(delete(table).where(table.c[_key(table)].in_(part)))
    return Moved.MOVED


def events_backwards(groups: Iterable[Group]) -> Iterator[Group]:
    """Yield the groups in the order in which they are put back.

    Groups of events come last, the newest first, so that a stream has no hole after an
    interruption; they are kept in memory.
    """
    events: list[Group] = []
    for group in groups:
        if group[0][0] is EVENTS:
            events.append(group)
        else:
            yield group
    yield from reversed(events)


def put_back(
    connection: Connection, archive_id: int, group: Group, *, joined: Collection[int]
) -> Moved:
    """Insert the rows of a group that was deleted for this archive.

    Events are inserted for the accounts in ``joined`` only: their streams have no gap then.
    """
    indexed, expected = count_indexed(connection, archive_id, group)
    if expected and not indexed:
        return Moved.DONE
    rows_by_table = _by_table(group)
    if EVENTS in rows_by_table and rows_by_table[EVENTS][0]["account_id"] not in joined:
        return Moved.KEPT
    is_moved = False
    for table, rows in rows_by_table.items():
        ids = {row[_key(table)] for row in rows}
        present = {row[_key(table)] for row in read_by(connection, table, _key(table), ids)}
        absent = [dict(row) for row in rows if row[_key(table)] not in present]
        if absent:
            connection.execute(insert(table), absent)
            is_moved = True
    remove_index(connection, group)
    return Moved.MOVED if is_moved else Moved.DONE


def joined_accounts(connection: Connection, last_events: Mapping[int, int]) -> frozenset[int]:
    """Return the accounts whose next event is in the database, or was not written yet.

    ``last_events`` are the last event numbers of a file by account.
    """
    joined = set()
    for account_id, last in last_events.items():
        of_account = EVENTS.c.account_id == account_id
        query = select(EVENTS.c.seq).where(of_account, EVENTS.c.seq_to > last)
        following = connection.execute(query.order_by(EVENTS.c.seq_to).limit(1)).scalar()
        if following is None:
            head = select(STREAMS.c.head_seq).where(STREAMS.c.account_id == account_id)
            following = (connection.execute(head).scalar() or 0) + 1
        if following <= last + 1:
            joined.add(account_id)
    return frozenset(joined)


def _is_unnamed(group: Group) -> bool:
    """Return whether nothing stays of the rows of a group: events and raw payloads."""
    return not any(table.name in KINDS or table.name == "oms_positions" for table, _ in group)


def _key(table: Table) -> str:
    return "order_id" if table.name == "oms_order_attempts" else "id"


def _by_table(group: Group) -> Mapping[Table, list[Row]]:
    rows: dict[Table, list[Row]] = defaultdict(list)
    for table, row in group:
        rows[table].append(row)
    return rows


def _texts(rows: Group, like: Group) -> list[str]:
    """Return the rows as sorted texts, each with the columns that the file has."""
    columns = {table: list(row) for table, row in like}
    return sorted(
        row_text(table, {name: row[name] for name in columns[table]}) for table, row in rows
    )
