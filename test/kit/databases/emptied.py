"""A migrated database without rows, for the tests of one module after each other."""

from kit.databases.sql import execute
from oms.adapters.sql.tables import METADATA

_KEPT = ("account_leases", "account_streams", "audit_chain", "id_blocks")


def empty_database(dsn: str) -> None:
    """Delete all rows but those that the migrations inserted."""
    execute(
        dsn,
        *(f"DELETE FROM {t.name}" for t in reversed(METADATA.sorted_tables) if t.name not in _KEPT),
        *(f"DELETE FROM {name} WHERE account_id > 0" for name in _KEPT[:2]),
        "DELETE FROM audit_chain",
        *(f"INSERT INTO audit_chain VALUES ({name}, 0, '{'0' * 64}')" for name in (1, 2)),
    )
