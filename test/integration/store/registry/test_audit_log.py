"""Rows of the audit log that the chain has left out."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from kit.databases.sql import execute
from oms.adapters.sql.store import SqlStore
from oms.domain.times import utc_text

HOUR = timedelta(hours=1)
TEN = datetime(2026, 1, 1, 10, tzinfo=UTC)


class Place(Protocol):
    """The database of the store."""

    kind: str
    url: str


def _insert(place: Place, *rows: tuple[int, datetime, int | None]) -> None:
    """Insert rows of an id, a time and a number in the chain."""

    def text(at: datetime) -> str:
        return utc_text(at) if place.kind == "sqlite" else f"{at:%Y-%m-%d %H:%M:%S}"

    values = ", ".join(
        f"({row_id}, 'test', 'login', 'user', '1', '{text(at)}', {chain_no or 'NULL'})"
        for row_id, at, chain_no in rows
    )
    columns = "id, actor, action, entity, entity_id, created_at, chain_no"
    execute(place.url, f"INSERT INTO audit_log ({columns}) VALUES {values}")


async def test_the_newest_chained_row_counts_wherever_it_is_in_the_chain(
    store: SqlStore, place: Place
) -> None:
    older = [(2 + number, TEN - HOUR, 1 + number) for number in range(1, 151)]
    newest, skipped, late = (2, TEN + 2 * HOUR, 1), (1, TEN, None), (200, TEN + HOUR, None)
    _insert(place, skipped, newest, *older, late)
    assert await store.audit_log.skipped_rows(HOUR) == [1]
    assert await store.audit_log.skipped_rows(timedelta(minutes=59)) == [1, 200]
    assert await store.audit_log.skipped_rows(2 * HOUR) == []


async def test_without_a_chain_no_row_is_left_out(store: SqlStore, place: Place) -> None:
    _insert(place, (1, TEN, None))
    assert await store.audit_log.skipped_rows(HOUR) == ()
