"""A migrated database without rows, for the tests of one module after each other."""

from collections.abc import Sequence

from kit.databases.sql import connect
from oms.adapters.sql.tables import METADATA

_KEPT = ("account_leases", "account_streams", "audit_chain", "id_blocks")
_TABLES = tuple(t.name for t in reversed(METADATA.sorted_tables))
#: The names of the tables that have rows. A statement for each table would take longer than most
#: tests, and few tables have any.
_FILLED = " UNION ALL ".join(
    f"SELECT '{name}' FROM (SELECT 1 FROM {name} LIMIT 1) t{number}"
    for number, name in enumerate(_TABLES)
)


def empty_database(dsn: str) -> None:
    """Delete all rows but those that the migrations inserted."""
    delete_rows(
        dsn,
        kept=_KEPT,
        then=(
            "DELETE FROM audit_chain",
            *(f"INSERT INTO audit_chain VALUES ({name}, 0, '{'0' * 64}')" for name in (1, 2)),
        ),
    )


def delete_rows(dsn: str, *, kept: Sequence[str], then: Sequence[str]) -> None:
    """Delete the rows of all tables but ``kept``, of leases and streams all but account 0.

    Executes the statements ``then`` in the same transaction.
    """
    with connect(dsn) as connection:
        cursor = connection.cursor()
        cursor.execute(_FILLED)
        filled = {name for (name,) in cursor.fetchall()}
        for name in _TABLES:
            if name in filled and name not in kept:
                cursor.execute(f"DELETE FROM {name}")
        for name in ("account_leases", "account_streams"):
            cursor.execute(f"DELETE FROM {name} WHERE account_id > 0")
        for statement in then:
            cursor.execute(statement)
        connection.commit()
